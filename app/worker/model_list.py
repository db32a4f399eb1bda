"""The list of models that can be chosen: shipped, opened lately, untrained, published.

Start from `list_choices`.
"""

from collections.abc import Sequence
from pathlib import Path

from app.state.session.model_choices import PUBLISHED, ModelChoice
from app.state.session.sources import shipped_models

_UNTRAINED = (
    "**Untrained:** its weights are random, so it finds no nuclei that mean anything. "
    "It is here for timing, for counting its parameters, and for trying what pruning "
    "does to its layers."
)


def list_choices(recent: Sequence[str]) -> tuple[ModelChoice, ...]:
    """Return all models of the list.

    Imports the catalogue, which needs torch: to be called when it is asked for.

    Parameters
    ----------
    recent
        Paths of models that were opened from files, the latest first.
    """
    from core.export import card_beside

    shipped = [
        ModelChoice("shipped", name, title, card_beside(name) or title)
        for name, title in shipped_models()
    ]
    return (*shipped, *map(_recent, recent), *_untrained(), *PUBLISHED)


def _recent(source: str) -> ModelChoice:
    from core.export import card_beside

    path = Path(source)
    card = card_beside(source)
    if not card:
        there = path.exists()
        size = f"{path.stat().st_size / 1e6:,.1f} MB" if path.is_file() else ""
        about = (
            [f"`{source}`", size] if there else [f"`{source}` is not there any more."]
        )
        card = "\n\n".join([f"# {path.name}", *filter(None, about)])
    return ModelChoice("recent", source, path.name, card)


def _untrained() -> list[ModelChoice]:
    from core.models.catalogue import entries

    found = []
    for name, entry in entries().items():
        spec = entry.spec
        if spec is None:
            continue
        title = spec.name.removesuffix(" (untrained)")
        about = [
            f"# {title}",
            _UNTRAINED,
            f"{entry.description[:1].upper()}{entry.description[1:]}.",
        ]
        if spec.mpp:
            about.append(f"Made for {spec.mpp:g} \N{MICRO SIGN}m per pixel.")
        about.append(f"Name on the command line: `{name}`")
        found.append(ModelChoice("untrained", name, title, "\n\n".join(about)))
    return found
