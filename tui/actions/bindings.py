"""The bindings of a screen or widget, made from the table of actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui.actions.action import Action
from tui.actions.table import actions_of


def bindings_of(place: str) -> list[BindingType]:
    """Of every action of a place that has a key; behind one that explains itself, what says why it is not there."""
    found: list[BindingType] = []
    for action in actions_of(place):
        if action.keys and action.do:
            found.append(_binding(action, place))
            if action.explains:
                found.append(Binding(action.keys, f"cannot('{action.do}')", show=False, id=f"{action.id}.cannot"))
    return found


def _binding(action: Action, place: str) -> Binding:
    named = action.footer and place not in action.quiet
    shown = action.key if named else None
    return Binding(action.keys, action.do, action.label, named, shown, id=action.id, tooltip=action.words)
