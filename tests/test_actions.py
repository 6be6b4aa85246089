"""Every key, word of the last line, line of help and entry of the palette stands in one table, and does something."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from test_app import INTERVAL, shown, wait_for
from textual.actions import parse
from textual.dom import DOMNode

import tui
from tui.actions.key_table import page_with_keys
from tui.actions.table import ACTIONS, actions_of, labelled
from tui.app import DempoApp

CHECKOUT = Path(__file__).parent.parent


def owners() -> Iterator[type[DOMNode]]:
    """Every screen, widget and app of this program."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if module.name != "tui.__main__":
            found = importlib.import_module(module.name)
            yield from (
                kind
                for kind in vars(found).values()
                if isinstance(kind, type) and issubclass(kind, DOMNode) and kind.__module__ == module.name
            )


def test_no_binding_stands_outside_the_table() -> None:
    known = {action.id for action in ACTIONS} | {f"{action.id}.cannot" for action in ACTIONS if action.explains}
    for owner in owners():
        bound = [binding.id for binding in vars(owner).get("BINDINGS", [])]
        assert [name for name in bound if name not in known] == [], owner
        assert len(bound) == len({*bound}), owner


def test_nothing_else_makes_a_binding() -> None:
    for path in (CHECKOUT / "tui").rglob("*.py"):
        if path.name != "bindings.py":
            called = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
            assert not [func for func in called if isinstance(func, ast.Name) and func.id == "Binding"], path


def test_every_action_is_bound_once_and_there_is_a_method_for_it() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    by_place = {place: owner for owner in owners() if (place := vars(owner).get("place"))}
    for action in ACTIONS:
        for place in action.places if action.do else ():
            name = parse(action.do)[1]
            assert hasattr(by_place[place], f"action_{name}"), f"{action.id} on {place}"
    assert {place for action in ACTIONS for place in action.places if action.do} == {*by_place}


def test_what_an_action_does_is_said_on_one_line_of_help() -> None:
    """Of a dialog in a terminal of 80 columns, behind the key."""
    assert [action.id for action in ACTIONS if len(f"{action.label}: {action.words}") > 53] == []


def test_one_key_does_one_thing_in_one_place() -> None:
    for place in {place for action in ACTIONS for place in action.places}:
        keys = [key for action in actions_of(place, "app") for key in action.keys.split(",") if key]
        if place in ("runs", "run", "list"):
            assert len(keys) == len({*keys}), place


def test_the_page_on_the_app_has_the_table_as_it_is() -> None:
    page = (CHECKOUT / "docs" / "app.md").read_text(encoding="utf-8")
    assert page == page_with_keys(page), "run `make app-keys`"


async def test_help_lists_the_keys_of_the_tab_that_is_looked_at(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("question_mark")
        await wait_for(pilot, labelled("runs.open").words)
        here, _, elsewhere = shown(app).partition("Keys elsewhere")
        assert labelled("run.resume").words in here
        assert labelled("run.flip").words in elsewhere
        await pilot.press("escape", "enter", "2")
        await wait_for(pilot, "attribute")
        await pilot.press("question_mark")
        await wait_for(pilot, "of the tab Quotas")
        here, _, elsewhere = shown(app).partition("Keys elsewhere")
        assert labelled("run.flip").words in here
        assert labelled("runs.open").words in elsewhere


async def test_the_palette_offers_what_the_screen_does_now(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("enter", "2")
        await wait_for(pilot, "attribute")
        await pilot.press("ctrl+p")
        await wait_for(pilot, labelled("run.flip").words)
        assert labelled("run.resume").words not in shown(app)  # it is complete
        await pilot.press(*"reco", "enter")
        await wait_for(pilot, "newest first")


async def test_a_key_that_has_nothing_to_do_says_why(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        last = shown(app).splitlines()[-1]
        assert "Stop" not in last
        assert "Resume" not in last
        await pilot.press("r")
        await wait_for(pilot, "is complete;")
        await pilot.press("s")
        await wait_for(pilot, "no engine works on")


async def test_the_last_line_says_where_keys_have_no_room_and_a_click_does_what_it_says(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed", "q Quit")
        assert shown(app).splitlines()[-1] == " Enter Open  n New run  v Verify  y Copy  ? Help  q Quit"
        await pilot.resize_terminal(44, 24)
        await wait_for(pilot, "Enter Open  n New run  …  ? Help  q Quit")
        await pilot.resize_terminal(80, 24)
        await wait_for(pilot, "y Copy")
        await pilot.click("KeysLine", offset=(shown(app).splitlines()[-1].index("Copy"), 0))
        await wait_for(pilot, "Value", "Command", "Path")
