from core.export import Card, card_beside, model_card
from core.types import Counts, PruneRequest
from tests.core.models.cases import SPECS


def card(**changes):
    values = {
        "spec": SPECS["unet"],
        "source": "demo",
        "request": PruneRequest("l2", 0.5),
        "plan_hash": "abc123",
        "dense": Counts(1000, 2000, 50),
        "pruned": Counts(400, 900, 30),
        "tile": "tile.png",
        "scores": {"against truth": {"aji": 0.61234, "pq": float("nan")}},
        "latency": {
            "dense": 60.0,
            "pruned": 20.0,
            "speedup": 3.0,
            "interval": (2.9, 3.1),
            "verdict": "faster",
        },
        "machine": {"processor": "A processor"},
        "parent": card_beside("demo"),
    }
    return model_card(Card(**{**values, **changes}))


def test_the_card_says_what_was_done_and_measured():
    words = card()
    assert "Not for diagnosis" in words
    assert "plan `abc123`" in words
    assert "| parameters | 1,000 | 400 | 60.0% |" in words
    assert "| AJI | 0.612 |" in words
    assert "| PQ | - |" in words
    assert "3.00 times as fast (2.90 to 3.10): faster" in words
    assert "- processor: A processor" in words


def test_data_licences_are_taken_over():
    words = card()
    assert "CC0" in words
    assert "CC BY 4.0" in words
    assert "## Recipe" not in words


def test_a_card_beside_a_file_is_found_and_passed_on(tmp_path):
    (tmp_path / "m.md").write_text(card())
    parent = card_beside(str(tmp_path / "m.safetensors"))
    assert "CC BY 4.0" in card(parent=parent)


def test_no_card_is_said():
    assert card_beside("no-such-model") == ""
    assert card_beside("no/such/model.pth") == ""
    assert "licences are not known here" in card(parent="")
