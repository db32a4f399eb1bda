"""What is different between two views, and must be set again."""

from dataclasses import fields

from app.controllers.presenter.heads import Heads
from app.controllers.presenter.parts import MapView, PartView
from app.controllers.presenter.tuning import Tuning
from app.controllers.presenter.view import Drawn, Story, Tabs, Working
from app.state.app_state import Message
from app.state.display import Display
from app.state.plot_settings import PlotSettings
from app.state.values import ModelCard, Opened
from app.views.widgets.pixel_size import PixelSize
from core.types import Counts, PruneRequest

# Compared by value; all else, which may hold arrays, by identity.
_PLAIN = (
    *(str, int, float, bool, frozenset, Counts, Display, Heads, Message),
    *(MapView, ModelCard, PartView, PixelSize, PlotSettings, PruneRequest),
    *(Story, Tabs, Tuning, Working),
)


def only_grew(old: Opened | None, new: Opened | None) -> bool:
    """Return whether no other model or tile is open."""
    if old is None or new is None or old is new:
        return False
    return old.session is new.session and old.model is new.model


def same(one: object, other: object) -> bool:
    """Return whether two fields show the same.

    Values that hold arrays are compared by identity: a new result is another object.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Drawn):
        return all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(Drawn)
        )
    return type(one) in _PLAIN and one == other
