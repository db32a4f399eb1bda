"""The studies on a miniature, and the rules by which claims are judged."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from benchmarks.studies import claims_structured, claims_unstructured, report
from benchmarks.studies.__main__ import main, run
from benchmarks.studies.charging import charged
from benchmarks.studies.log import Log
from benchmarks.studies.measure import damage
from benchmarks.studies.scale import FULL, MINIATURE
from benchmarks.studies.statistics import (
    Interval,
    change_between,
    relative_change,
    share_interval,
)
from benchmarks.studies.structured import Structured
from benchmarks.studies.tiles import read_tiles
from benchmarks.studies.unstructured import Unstructured, branch_masks
from benchmarks.studies.verdicts import (
    FAILS,
    HOLDS,
    MISSING,
    OPEN,
    compared,
    spoken,
    within,
)
from core.errors import InputError
from core.images.synthetic import synthetic_tile
from core.models import build
from core.pruning import trace
from core.types import Prediction


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def entry(values, **fields):
    """An entry whose tiles of one source have these scores of every kind."""
    names = ("aji", "pq", "dice", "f1", "branch_dice", "branch_mse")
    tiles = {f"t{i}": dict.fromkeys(names, v) for i, v in enumerate(values)}
    return {"tiles": {"dsb2018": tiles}, **fields}


# the studies themselves


@pytest.mark.parametrize("study", ["structured", "unstructured"])
def test_a_miniature_runs_resumes_and_writes_its_results(study, tmp_path):
    out, cache = tmp_path / "out", tmp_path / "cache"
    assert main([study, "--miniature", "--out", str(out), "--cache", str(cache)]) == 0
    table = (out / f"{study}_miniature.md").read_text()
    assert "| paper | claim | our number | verdict | why |" in table
    assert OPEN in table
    assert HOLDS not in table, "a miniature judges nothing"
    rows = (out / f"{study}_miniature.csv").read_text().splitlines()
    log = cache / f"{study}-miniature.jsonl"
    assert len(rows) == 1 + len(log.read_text().splitlines())
    pictures = list((out / "miniature").glob("*.png"))
    assert pictures
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in pictures)

    # killed in the middle of a line: that point is run again, no other
    text = log.read_text()
    log.write_text(text[:-40])
    assert run(study, None, out, cache, MINIATURE) == 1
    again = [json.loads(line)["point"] for line in log.read_text().splitlines()]
    assert again == [json.loads(line)["point"] for line in text.splitlines()]
    assert run(study, None, out, cache, MINIATURE) == 0


def test_without_data_there_is_one_line(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["structured", "--out", str(tmp_path)])
    assert ended.value.code == 2
    missing = ["structured", "--quick", "--data", str(tmp_path), "--out", str(tmp_path)]
    assert main([*missing, "--cache", str(tmp_path)]) == 2
    assert "no tiles" in capsys.readouterr().err


def test_only_the_networks_that_are_named_are_run(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)  # no figures
    monkeypatch.setattr(Structured, "run", lambda *_: entry([0.5, 0.6]))
    two = replace(MINIATURE, networks=("unet-mini", "demo"))
    args = ("structured", None, tmp_path, tmp_path, two)
    with pytest.raises(InputError, match="demo, unet-mini"):
        run(*args, ["unet"])
    first, rest = run(*args, ["demo"]), run(*args)
    log = (tmp_path / "structured-miniature.jsonl").read_text().splitlines()
    names = [json.loads(line)["point"]["network"] for line in log]
    assert names == ["demo"] * first + ["unet-mini"] * rest
    assert first > 1
    assert rest > 1


def test_every_axis_of_the_issue_is_there(tmp_path):
    tiles = read_tiles(None, MINIATURE)
    first = list(Structured(tiles, FULL, tmp_path).points())
    assert {p["heuristic"] for p in first} >= {
        "random", "l1", "l2", "bn_scale", "slimming", "reconstruction",
    }  # fmt: skip
    assert {p["recovery"] for p in first} == {
        "none", "refit", "sequential", "finetune", "longer",
    }  # fmt: skip
    assert {p["mode"] for p in first} == {"one-shot", "iterative"}
    assert max(p["sparsity"] for p in first) == 0.95
    assert {p["seed"] for p in first} == {0, 1, 2}
    second = list(Unstructured(tiles, FULL, tmp_path).points())
    assert {p["branch"] for p in second} == {
        "dense",
        "segmentation",
        "distance",
        "both",
    }
    assert max(p["sparsity"] for p in second) == 0.975
    for points in (first, second):
        keys = [json.dumps(p, sort_keys=True) for p in points]
        assert len(set(keys)) == len(keys)


# masks of a branch


@pytest.mark.parametrize("ranking", ["layer", "network"])
def test_only_the_weights_of_the_branch_go(ranking):
    module = build("dual-decoder", {"base": 4, "depth": 3})
    graph = trace(module, torch.zeros(1, 3, 16, 16))
    plan = branch_masks(module, graph, ("decoder.dist",), ranking, 0.75)
    assert plan.kept
    assert all(name.startswith("decoder.dist") for name in plan.kept)
    sizes = {n: p.numel() for n, p in module.named_parameters()}
    own = sum(
        size
        for name, size in sizes.items()
        if name.startswith("decoder.dist") and name.endswith("weight")
    )
    assert plan.removed == pytest.approx(0.75 * own, abs=8)
    shares = [1 - mask.mean() for mask in plan.kept.values() if mask.size > 40]
    if ranking == "layer":
        assert shares == pytest.approx([0.75] * len(shares), abs=0.03)
    else:
        assert max(shares) - min(shares) > 0.03


# intervals and verdicts


def test_intervals_hold_the_estimate_and_shrink_with_more_tiles():
    rng = np.random.default_rng(0)
    few, many = rng.uniform(0.4, 0.8, 5), rng.uniform(0.4, 0.8, 200)

    def found(base):
        noise = rng.normal(0, 0.05, (3, len(base)))
        return relative_change(entry(base), [entry(0.9 * base + n) for n in noise])

    small, large = found(few), found(many)
    for each in (small, large):
        assert each.low <= each.value <= each.high
    assert large.high - large.low < small.high - small.low
    assert large.value == pytest.approx(-0.1, abs=0.02)
    same = relative_change(entry(few), [entry(few)])
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_tiles_without_a_score_are_left_out_and_none_is_no_number():
    dense = entry([0.5, float("nan"), 0.7])
    assert relative_change(dense, [entry([0.5, 0.1, 0.7])]).value == 0
    assert np.isnan(relative_change(dense, []).value)
    assert np.isnan(relative_change(entry([0.0]), [entry([0.0])]).value)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (Interval(-0.01, -0.019, 0.0), HOLDS),
        (Interval(-0.05, -0.08, -0.03), FAILS),
        (Interval(-0.01, -0.05, 0.02), OPEN),
        (Interval(float("nan"), 0, 0), MISSING),
    ],
)
def test_a_claim_is_decided_when_its_whole_interval_is_on_one_side(change, verdict):
    assert within(change)[0] == verdict


FULL_MINI = replace(FULL, networks=("demo",))


def structured_entries(loss, speed):
    """A study in which every recipe loses the same and is as fast."""
    base = np.linspace(0.5, 0.7, 12)
    ways = [("one-shot", r) for r in ("none", "refit", "sequential", "finetune")]
    ways.append(("iterative", "finetune"))
    axes = product(FULL.heuristics, ways, FULL.sparsities, FULL.seeds)
    return [
        # trained on for as long, it is better: that must not move the yardstick
        entry(1.2 * base, network="demo", heuristic="dense", recovery="finetune"),
        entry(base, network="demo", heuristic="dense", recovery="none"),
        *(
            entry(
                base * (1 - loss),
                network="demo",
                heuristic=heuristic,
                mode=mode,
                recovery=recovery,
                sparsity=sparsity,
                seed=seed,
                latency={"speedup": speed},
                recovery_seconds=60,
                damage={"size: small": [8, 10], "size: large": [9, 10]},
            )
            for heuristic, (mode, recovery), sparsity, seed in axes
        ),
    ]


@pytest.mark.parametrize(
    ("loss", "speed", "verdicts"),
    [
        (0.01, 6.0, {HOLDS}),
        (0.10, 6.0, {FAILS}),
        (0.01, 2.0, {HOLDS, FAILS}),
    ],
)
def test_claims_follow_the_numbers(loss, speed, verdicts):
    rows = claims_structured.claims(structured_entries(loss, speed), FULL_MINI)
    judged = [r for r in rows if "loss" in r.claim or "lower latency" in r.claim]
    assert {r.verdict for r in judged} == verdicts
    fast = next(r for r in rows if "5 times faster" in r.claim)
    assert (fast.verdict == HOLDS) == (loss < 0.02 and speed >= 5)
    resnet = next(r for r in rows if "ResNet" in r.claim)
    assert resnet.verdict == OPEN


def test_the_second_study_reads_errors_the_other_way_round():
    base = np.linspace(0.5, 0.7, 12)
    losses = {"segmentation": 0.0, "distance": -0.2, "both": 0.1}
    axes = product(losses, ("layer", "network"), FULL.weights)
    rows = [entry(base, branch="dense", recovery="none")]
    rows += [
        entry(
            base * (1 - losses[branch]),
            branch=branch,
            ranking=ranking,
            mode="iterative",
            recovery="finetune",
            sparsity=sparsity,
            seed=0,
        )
        for branch, ranking, sparsity in axes
    ]
    found = claims_unstructured.claims(rows, FULL)
    tuned = [row for row in found if row.claim.endswith("fine-tuned")]
    first, second, third = tuned[:3]
    assert first.verdict == HOLDS
    assert second.verdict == FAILS, "a larger error is a loss"
    assert third.verdict == FAILS
    rest = [row for row in found if not row.claim.endswith("fine-tuned")]
    assert {row.verdict for row in rest} == {MISSING}, "nothing was measured"


def test_two_recipes_are_compared_tile_by_tile():
    rng = np.random.default_rng(3)
    hard = rng.uniform(0.2, 0.9, 15)  # far wider apart than the recipes
    first = [entry(hard + rng.normal(0, 0.005, 15)) for _ in range(3)]
    second = [entry(1.03 * hard + rng.normal(0, 0.005, 15)) for _ in range(3)]
    change = change_between(first, second)
    assert change.low < 0.03 < change.high
    assert change.high - change.low < 0.03, "hard tiles are hard for both"
    assert compared(change, "b", "a")[0] == HOLDS
    assert compared(change_between(second, first), "a", "b")[0] == FAILS
    assert compared(change_between(first, first), "a", "a")[0] == OPEN
    assert compared(change_between(first, []), "b", "a")[0] == MISSING


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (3, 10), (10, 10), (300, 1000)])
def test_the_interval_of_a_share_is_that_of_wilson(hits, count):
    from scipy.stats import binomtest

    oracle = binomtest(hits, count).proportion_ci(method="wilson")
    found = share_interval(hits, count)
    assert found.value == hits / count
    assert found.low == pytest.approx(oracle.low, abs=1e-4)
    assert found.high == pytest.approx(oracle.high, abs=1e-4)
    assert np.isnan(share_interval(0, 0).value)


# a study that was stopped


def planned(rows):
    keys = ("network", "heuristic", "mode", "recovery", "sparsity", "seed")
    return [{k: row[k] for k in keys if k in row} for row in rows]


def test_a_page_says_how_much_was_run_and_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)  # no figures
    whole = structured_entries(0.01, 6.0)
    for row in whole:
        row.setdefault("sparsity", 0.0)
    half = [r for r in whole if r["heuristic"] in ("dense", "random", "bn_scale")]
    report.write("structured", half, FULL_MINI, tmp_path, planned(whole))
    text = (tmp_path / "structured.md").read_text()
    assert f"**{len(half)} of {len(whole)} planned points were run" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    paper = next(line for line in rows if "(iterative, L2, fine-tuned)" in line)
    assert f"| {MISSING} |" in paper
    best = next(line for line in rows if "best recipe" in line)
    assert f"so far {len(half)} of {len(whole)} points of demo were run" in best
    assert HOLDS in best, "one that will do is enough"
    worse = [{**row, "latency": {"speedup": 2.0}} for row in half]
    report.write("structured", worse, FULL_MINI, tmp_path, planned(whole))
    text = (tmp_path / "structured.md").read_text()
    fast = next(line for line in text.splitlines() if "at least 5 times" in line)
    assert f"| {MISSING} |" in fast, "one that is missing may still be fast"

    report.write("structured", whole, FULL_MINI, tmp_path, planned(whole))
    text = (tmp_path / "structured.md").read_text()
    assert f"All {len(whole)} planned points were run" in text
    assert "stopped" not in text
    assert MISSING not in text
    assert "the whole network after 100 further steps: AJI +20.0%" in text


def test_a_network_that_was_not_begun_is_not_measured():
    two = replace(FULL, networks=("demo", "unet-dsb"))
    rows = claims_structured.claims(structured_entries(0.01, 6.0), two)
    later = [row for row in rows if row.claim.startswith("unet-dsb")]
    assert later
    assert {row.verdict for row in later} == {MISSING}
    assert MISSING not in {r.verdict for r in rows if r.claim.startswith("demo")}


def test_seeds_that_are_missing_are_counted():
    rows = [r for r in structured_entries(0.01, 6.0) if r.get("seed") != 2]
    free = next(
        row
        for row in claims_structured.claims(rows, FULL_MINI)
        if "without a gradient" in row.claim
    )
    assert "2 of 3 seeds were run" in free.why


def test_results_can_be_written_without_running_anything(tmp_path, capsys):
    out, cache = tmp_path / "out", tmp_path / "cache"
    ask = ["structured", "--report", "--miniature", "--out", str(out)]
    ask += ["--cache", str(cache)]
    assert main(ask) == 2
    assert "run the study first" in capsys.readouterr().err
    log = Log(cache / "structured-miniature.jsonl")
    first = next(
        iter(Structured(read_tiles(None, MINIATURE), MINIATURE, cache).points())
    )
    scores = dict.fromkeys(
        ("aji", "pq", "dice", "f1", "branch_dice", "branch_mse"), 0.5
    )
    log.add(first, {"tiles": {"dsb2018": {"t": scores}}})
    assert main(ask) == 0
    text = (out / "structured_miniature.md").read_text()
    assert "**1 of " in text
    assert HOLDS not in text


# whose time it is


def test_the_time_of_slimming_is_charged_to_every_point_of_it(tmp_path):
    torch.save({"spent": 100.0}, tmp_path / "demo-slimmed-full.pt")
    rows = [
        {"network": "demo", "heuristic": heuristic, "recovery_seconds": seconds}
        for heuristic, seconds in (
            ("l2", 5.0),
            ("slimming", 103.0),  # trained in this very point
            ("slimming", 4.0),
            ("l2", 120.0),
            ("slimming", 130.0),
        )
    ]
    found = charged(rows, tmp_path, "full")
    assert [e["recovery_seconds"] for e in found] == [5.0, 103.0, 104.0, 120.0, 230.0]
    assert [e.get("shared_seconds") for e in found] == [None, 100, 100, None, 100]
    assert rows[2]["recovery_seconds"] == 4.0, "the log is left as it is"


def test_recipes_are_written_in_words():
    assert spoken("l2, one-shot, refit, 0.9") == "L2 norm, one cut, refitted, 90%"
    assert spoken("reconstruction") == "reconstruction"


# damage


def test_damage_counts_each_group_by_its_own_nuclei():
    _, labels, classes = synthetic_tile(128, 3)
    before = Prediction(labels, classes)
    area = np.bincount(labels.ravel())[1:]
    small = np.flatnonzero(area < 2 / 3 * np.median(area)) + 1
    left = np.where(np.isin(labels, small), 0, labels)
    counts = damage({"a/b": before}, {"a/b": Prediction(left, None)})

    assert counts["size: small"] == [0, len(small)]
    assert counts["size: large"][0] == counts["size: large"][1] > 0
    for axis in ("size", "crowding", "type"):
        total = sum(n for group, (_, n) in counts.items() if group.startswith(axis))
        assert total == labels.max()


def test_a_log_keeps_numbers_that_are_none(tmp_path):
    log = Log(tmp_path / "deep" / "a.jsonl")
    log.add({"seed": 0}, {"aji": float("nan"), "tiles": {}})
    again = Log(tmp_path / "deep" / "a.jsonl")
    assert {"seed": 0} in again
    assert {"seed": 1} not in again
    assert np.isnan(next(iter(again))["aji"])


def test_a_table_without_figures_is_still_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    rows = structured_entries(0.01, 6.0)
    for row in rows:
        row.setdefault("sparsity", 0.0)
    made = report.write("structured", rows, FULL_MINI, tmp_path)
    assert [p.suffix for p in made] == [".csv", ".md"]
    assert HOLDS in made[1].read_text()
