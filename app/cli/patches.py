"""``prune`` for patch classifiers: classes and probabilities in place of nuclei.

To read this file, start from `patch_summary`.
"""

from typing import TYPE_CHECKING, Any

from app.cli.summary import figure_lines, shown, training_line
from app.text import format as text
from core.tables import metrics_for

if TYPE_CHECKING:
    from core.results import Outcome

_SCORES = metrics_for("patch", usual=True)
_SHOWN = 12  # patches in the list for people; --json has all


def patch_summary(found: "Outcome") -> dict[str, Any]:
    """Return what ``--json`` prints of the patches.

    Parameters
    ----------
    found
        The pruned model's.
    """
    each = found.patches
    return {
        "patches": {
            "count": len(each),
            "changed": sum(one.changed for one in each),
            "shift": sum(one.shift for one in each) / max(len(each), 1),
            "each": [
                {
                    "name": one.name,
                    "class": one.target,
                    "dense": {"class": one.before, "probability": max(one.dense)},
                    "pruned": {"class": one.after, "probability": max(one.pruned)},
                    "shift": one.shift,
                }
                for one in each
            ],
        }
    }


def patch_lines(result: dict[str, Any]) -> list[str]:
    """Return a result for people, the patches that moved most first."""
    lines = figure_lines(result)
    patches = result["patches"]
    lines.append(
        f"classes     {text.counted(patches['changed'], 'patch', 'patches')} of "
        f"{patches['count']:,} changed; probabilities moved by "
        f"{text.percent(patches['shift'], 1)}"
    )
    if result["training"]:
        lines.append(training_line(result["training"]))
    captions = {
        "agreement": "agreement with dense",
        "dense": "dense against truth",
        "pruned": "pruned against truth",
    }
    for side, caption in captions.items():
        scores = result["scores"][side]
        if scores is not None:
            words = (f"{row.title} {shown(scores[row.key])}" for row in _SCORES)
            lines.append(f"{caption}: {'  '.join(words)}")
    moved = sorted(patches["each"], key=lambda each: -float(each["shift"]))
    for each in moved[:_SHOWN]:
        before, after = each["dense"], each["pruned"]
        lines.append(
            f"  {each['name']}: {before['class']} {shown(before['probability'])} to "
            f"{after['class']} {shown(after['probability'])}"
            + (f"  (is {each['class']})" if each["class"] else "")
        )
    if len(moved) > _SHOWN:
        lines.append(f"  and {len(moved) - _SHOWN:,} that moved less; --json has all")
    return lines + [f"note: {each}" for each in result["warnings"]]
