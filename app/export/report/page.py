"""The report as one HTML page. To read this file, start from `page`."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from app.export.report.charts import report_charts
from app.export.report.facts import Facts
from app.export.report.pictures import pictures
from app.rendering.palette import (
    KIND_COLOUR,
    KIND_SENTENCE,
    Rgb,
    type_colour,
)
from app.state.trials import predictor
from app.state.values import KINDS
from app.text import format as text
from app.text import story
from app.text.changes import describe_count, describe_partition
from app.text.speed import describe_latency, describe_speedup
from core.export.writing import write_text
from core.tables import METRICS, metric_titles, metrics_for
from core.types import SPARSITY

_METRICS = metric_titles(row.key for row in metrics_for("nuclei", usual=True))
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2330;--faint:#5b6474;--paper:#fff;
--line:#d8dde6;--card:#f5f7fa;--accent:#0072b2}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebf1;--faint:#a2abba;--paper:#14171d;
--line:#333a46;--card:#1d222b;--accent:#56b4e9}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:32px 24px 64px;background:var(--paper);
color:var(--ink);font:16px/1.5 "Source Sans 3","Segoe UI",system-ui,sans-serif}
h1{margin:0;font-size:30px;line-height:1.2}h2{margin:40px 0 12px;font-size:21px}
p{margin:6px 0;max-width:75ch}.faint{color:var(--faint)}
.lead{font-size:21px;margin:20px 0 4px}
.warn{border-left:4px solid #d55e00;background:var(--card);padding:8px 14px;
margin:18px 0;max-width:none}
.row{display:grid;gap:18px;grid-template-columns:repeat(auto-fit,minmax(300px,1fr))}
figure{margin:0}figure img{width:100%;height:auto;border-radius:6px;display:block}
figcaption{margin-top:6px;color:var(--faint);font-size:15px}
.key span{display:inline-block;margin-right:16px;white-space:nowrap}
.dot{display:inline-block;width:11px;height:11px;border-radius:3px;
margin-right:7px;border:1px solid var(--faint)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:15px}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);
white-space:nowrap;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}th{color:var(--faint);font-weight:600}
table.words :is(th,td){text-align:left;white-space:normal}
tr.now td{background:var(--card);font-weight:600}
.charts{grid-template-columns:repeat(auto-fit,minmax(420px,1fr))}
svg{width:100%;height:auto}svg :is(.number,.axis-title){fill:var(--faint)}
svg .name{fill:var(--ink)}svg :is(.grid,.axis){stroke:var(--line)}
svg :is(.level,.ring,.frame){stroke:var(--ink)}svg .front{stroke:var(--faint)}
svg .hollow{fill:var(--paper)}
pre{background:var(--card);padding:12px 14px;border-radius:6px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:14px}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}
figure,svg{break-inside:avoid}}
"""
# Nothing may be loaded, from anywhere: the page is whole as it is.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(path: str, facts: Facts) -> None:
    """Write a report, whole or not at all.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    write_text(path, page(facts))


def page(facts: Facts) -> str:
    """Return a report as HTML."""
    title = f"{facts.opened.model.name} on {facts.picture.name}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}: pruning report</title>",
        f"<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="faint">Pruning report, PruneScope, {escape(facts.when)}</p>',
        '<p class="warn"><strong>Not for diagnosis.</strong> One tile, one computer: '
        "what is measured here may be otherwise on other tissue and other hardware."
        "</p>",
        *_lead(facts),
        *_seen(facts),
        *_sizes(facts),
        *_curves(facts),
        *_points(facts),
        *_settings(facts),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _lead(facts: Facts) -> list[str]:
    words = story.headline(facts.opened, facts.outcome, facts.measured)
    left = facts.outcome.counts.macs / max(facts.opened.counts.macs, 1)
    speed = describe_latency(facts.measured, predictor(facts.trials)(left))
    lines = [
        f'<p class="lead"><strong>{escape(words)}.</strong></p>',
        f"<p>Latency of the network: {escape(speed)}.</p>",
    ]
    if facts.measured is not None and facts.measured.reason:
        lines.append(f"<p>{escape(facts.measured.reason)}</p>")
    lines += [f"<p>Note: {escape(words)}</p>" for words in facts.outcome.warnings]
    return lines


def _seen(facts: Facts) -> list[str]:
    """Return the pictures, and what became of the nuclei."""
    drawn = pictures(facts)
    dense, pruned = facts.dense.count, facts.pruned.count
    captions = {
        "dense": f"Dense: {text.counted(dense, 'nucleus', 'nuclei')}",
        "pruned": f"Pruned: {text.counted(pruned, 'nucleus', 'nuclei')}",
        "difference": "What became of each nucleus",
    }
    parts = ["<h2>What is found</h2>", '<div class="row">']
    for name, caption in captions.items():
        parts.append(
            f'<figure><img src="{drawn[name]}" alt="{escape(caption)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    parts.append("</div>")
    if facts.dense.classes is not None:
        names = {n: type_colour(i) for i, n in enumerate(facts.opened.model.classes, 1)}
        parts.append(_key(names))
    rows = [
        (
            _dot(KIND_COLOUR[kind]) + kind,
            escape(describe_count(kind, facts.outcome.changes.count(kind))),
            escape(KIND_SENTENCE[kind]),
        )
        for kind in KINDS
    ]
    parts.append(_table(("nuclei", "events", "meaning"), rows, kind="words"))
    parts.append(f"<p>{escape(describe_partition(facts.outcome.changes))}</p>")
    if facts.picture.mpp is not None:
        width, height = (side * facts.picture.mpp for side in facts.picture.size)
        parts.append(
            f'<p class="faint">The tile is {text.length(round(width))} by '
            f"{text.length(round(height))}, {facts.picture.mpp:g} µm per pixel.</p>"
        )
    return parts


def _key(colours: Mapping[str, Rgb]) -> str:
    items = "".join(
        f"<span>{_dot(colour)}{escape(name)}</span>" for name, colour in colours.items()
    )
    return f'<p class="key">{items}</p>'


def _dot(colour: Rgb) -> str:
    red, green, blue = colour
    return f'<i class="dot" style="background:rgb({red},{green},{blue})"></i>'


def _sizes(facts: Facts) -> list[str]:
    """Return what is left of the model, and its scores."""
    rows = []
    for name, title in (
        ("params", "Parameters"),
        ("macs", f"Multiply-accumulates {text.per_input(facts.opened.input_size)}"),
        ("channels", "Channels"),
    ):
        before = getattr(facts.opened.counts, name)
        after = getattr(facts.outcome.counts, name)
        gone = text.percent(1 - after / max(before, 1), 1)
        rows.append((title, f"{before:,}", f"{after:,}", gone))
    timed = facts.measured
    if timed is not None:
        sure = timed.measurable
        rows.append(
            (
                "Latency of the network",
                text.milliseconds(timed.dense_ms),
                text.milliseconds(timed.pruned_ms) if sure else text.DASH,
                describe_speedup(timed),
            )
        )
    parts = ["<h2>Size, speed and accuracy</h2>"]
    parts.append(_table(("", "dense", "pruned", "removed, or faster by"), rows))
    if timed is not None:
        parts.append(
            '<p class="faint">The ratio of latencies is the trimmed mean of the ratios '
            "of paired calls, with its confidence interval; the pruned latency is the "
            "dense one over it.</p>"
        )
    columns = {
        "dense against truth": facts.opened.scores,
        "pruned against truth": facts.outcome.scores,
        "pruned against dense": facts.outcome.agreement,
    }
    known = {title: scores for title, scores in columns.items() if scores is not None}
    names = dict.fromkeys(name for scores in known.values() for name in scores)
    parts.append(
        _table(
            ("score", *known),
            [
                (
                    METRICS[name].title,
                    *(text.score(s.get(name, float("nan"))) for s in known.values()),
                )
                for name in names
            ],
        )
    )
    return parts


def _curves(facts: Facts) -> list[str]:
    """Return the charts of the window, from the same values."""
    charts = report_charts(facts)
    if not charts:
        return []
    figures = (
        f"<figure>{each.svg}<figcaption><strong>{escape(each.title)}.</strong> "
        f"{escape(each.about)}</figcaption></figure>"
        for each in charts
    )
    return [
        "<h2>Curves</h2>",
        '<div class="row charts">',
        *figures,
        "</div>",
        '<p class="faint">The ring is the model of this report.</p>',
    ]


def _points(facts: Facts) -> list[str]:
    """Return the table of everything that was tried."""
    if not facts.trials:
        return []
    header = (
        *("heuristic", "scope", "of", "recovery", "parameters removed", "MACs left"),
        *(*_METRICS.values(), "nuclei kept", "latency", "faster by"),
    )
    rows = []
    ordered = sorted(
        facts.trials, key=lambda t: (t.request.key(without=SPARSITY), t.removed)
    )
    for trial in ordered:
        ask, timed = trial.request, trial.latency
        scores = [text.score(trial.scores.get(n, float("nan"))) for n in _METRICS]
        latency = text.milliseconds(timed.pruned_ms) if timed else text.DASH
        faster = text.speedup(timed.speedup) if timed else text.DASH
        if trial.measured is not None and timed is None:
            faster = trial.measured.verdict
        rows.append(
            (
                escape(ask.heuristic),
                escape(ask.scope),
                escape(ask.count),
                escape(ask.recovery),
                text.percent(trial.removed, 1),
                text.percent(trial.macs_left, 1),
                *scores,
                text.percent(trial.kept, 1),
                latency,
                faster,
            )
        )
    here = [trial.request == facts.outcome.request for trial in ordered]
    return ["<h2>Everything that was tried</h2>", _table(header, rows, marked=here)]


def _settings(facts: Facts) -> list[str]:
    """Return how it was made, where, and how to do it again."""
    ask, card = facts.outcome.request, facts.opened.model
    rows = {
        "Model": f"{card.name}, opened from {card.source}",
        "About it": card.about,
        "Tile": f"{facts.picture.name}, opened from {facts.opened.source or 'sample:'}",
        "Heuristic": ask.heuristic,
        "Scope": ask.scope,
        "Asked for": f"{text.percent(ask.sparsity, 1)} of {ask.count}",
        "Recovery": ask.recovery,
        "Widths": f"multiples of {ask.round_to}, at least {ask.min_channels}",
        "Locked layers": ", ".join(ask.locked) or "none",
        "Fixed shares": ", ".join(f"{n} {text.percent(v)}" for n, v in ask.ratios),
        "Steps": str(ask.steps),
        "Seed": str(ask.seed),
        "Plan": facts.outcome.plan_hash or "nothing removed",
        "Device": f"{card.device}, {text.counted(card.threads, 'thread')}",
        **facts.machine,
    }
    return [
        "<h2>How it was made</h2>",
        _table(
            ("", ""), [(escape(k), escape(v)) for k, v in rows.items() if v], "words"
        ),
        "<h2>How to repeat it</h2>",
        f"<pre>{escape(facts.command)}</pre>",
        '<p class="faint">The plan has the same name when it removes the same '
        "channels. Times differ from run to run; masks and scores do not on the same "
        "versions.</p>",
    ]


def _table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    kind: str = "figures",
    marked: Sequence[bool] = (),
) -> str:
    """Return a table of words or figures; cells are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    lines = [f'<div class="wide"><table class="{kind}">']
    if any(header):
        lines.append(f"<thead><tr>{head}</tr></thead>")
    lines.append("<tbody>")
    for number, row in enumerate(rows):
        here = ' class="now"' if number < len(marked) and marked[number] else ""
        cells = "".join(f"<td>{cell}</td>" for cell in row)
        lines.append(f"<tr{here}>{cells}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])
