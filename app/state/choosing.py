"""What events about slides and readers change in the state, one function a kind."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.state import events
from app.state.app_state import AppState
from app.state.slide_map import (
    Choosing,
    SlideMap,
    around,
    clipped,
    find_region,
    start_region,
)
from app.state.work import Work


def choose_part(state: AppState, slide: SlideMap) -> AppState:
    """Return the state in which a part of a slide is asked for."""
    opening = state.opening
    model = opening.model if opening else "demo"
    asked = opening.tile.view.resample if opening else True
    start = Choosing(slide, model, start_region(slide), resample=asked)
    return replace(state, opening=None, choosing=start)


def _choose_again(state: AppState, _: events.PartAsked) -> AppState:
    """Show the overview of the open slide, with the open part drawn in it."""
    opened = state.opened
    if opened is None or opened.slide is None or state.opening is not None:
        return state
    slide, view = opened.slide, opened.source.view
    region = find_region(slide, view)
    typed = view.pixel_size
    if typed is not None:
        level = slide.levels[min(view.level, len(slide.levels) - 1)]
        typed *= level.size[0] / slide.size[0]
    chosen = Choosing(slide, opened.model.source, region, typed, view.resample)
    return replace(state, choosing=chosen)


def _draw_part(state: AppState, event: events.PartDrawn) -> AppState:
    choosing = state.choosing
    if choosing is None:
        return state
    region = clipped(choosing.slide, event.region)
    if region == choosing.region:
        return state
    return replace(state, choosing=replace(choosing, region=region))


def _place_part(state: AppState, event: events.PartPlaced) -> AppState:
    choosing = state.choosing
    if choosing is None:
        return state
    square = around(choosing.slide, (event.x, event.y), choosing.pixel_size)
    return _draw_part(state, events.PartDrawn(square))


def _type_size(state: AppState, event: events.SlidePixelSized) -> AppState:
    choosing = state.choosing
    if choosing is None or event.mpp == choosing.pixel_size:
        return state
    return replace(state, choosing=replace(choosing, pixel_size=event.mpp))


def _read_again(state: AppState, event: events.ReadAgain) -> AppState:
    """Ask for the open tile with other thresholds: only the newest ones count."""
    if state.opened is None or state.opening is not None:
        return state
    saves = tuple(work for work in state.asked if work.purpose != "open")
    return replace(state, asked=(*saves, Work("open", call=event.call)))


def _leave(state: AppState, _: events.PartLeft) -> AppState:
    return replace(state, choosing=None) if state.choosing is not None else state


CHANGES: Mapping[type[events.Event], Callable[[AppState, Any], AppState]] = {
    events.PartAsked: _choose_again,
    events.PartDrawn: _draw_part,
    events.PartPlaced: _place_part,
    events.SlidePixelSized: _type_size,
    events.PartLeft: _leave,
    events.ReadAgain: _read_again,
}
