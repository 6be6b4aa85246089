"""How the house is built: rooms of a size that one can look over, names that stand for one thing, one home per mark."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
MODULES = [path for root in ("core", "storage", "tui") for path in sorted((CHECKOUT / root).rglob("*.py"))]
LARGEST_ROOM = 16


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def test_no_room_has_more_than_sixteen_modules() -> None:
    rooms: dict[str, int] = defaultdict(int)
    for path in MODULES:
        rooms[name_of(path.parent)] += path.name != "__init__.py"
    assert {room: count for room, count in rooms.items() if count > LARGEST_ROOM} == {}


def test_no_two_files_of_a_storey_have_one_name() -> None:
    """But the `stage.py` of a stage. The facts are a floor of their own: what they say of weights, `core` works out."""
    homes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in MODULES:
        name = name_of(path)
        storey = "core/facts" if name.startswith("core/facts/") else name.partition("/")[0]
        if path.name not in ("__init__.py", "stage.py"):
            homes[storey, path.name].append(name)
    assert [names for names in homes.values() if len(names) > 1] == []


TWICE = {"Estimate": "what a method finds, in numpy and in the plain Python that checks it"}


def test_no_two_classes_have_one_name() -> None:
    """But those for their own room alone, which begin with an underscore."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name_of(path))
    assert {name: rooms for name, rooms in homes.items() if len(rooms) > 1 and name not in TWICE} == {}


def test_an_installation_has_every_room() -> None:
    """They are listed by name, since the examples are mapped: one that is not listed is missing for all who install."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {name_of(path.parent).replace("/", ".") for path in MODULES}
    assert set(settings["packages"]) - {"tui.examples"} == rooms
    for room in rooms:
        assert (CHECKOUT / room.replace(".", "/") / "__init__.py").is_file(), room


MARK = re.compile(r"dempo-[a-z]+-[0-9]+|application/vnd\.[a-z.+-]+")


def texts(path: Path) -> Iterator[str]:
    """Every text of a module but the sentences that say what it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_domains_and_types_of_files_stand_once() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for text in texts(path):
            for mark in MARK.findall(text):
                homes[mark].append(name_of(path))
    assert homes
    assert {mark: places for mark, places in homes.items() if len(places) > 1} == {}


def test_screens_and_commands_ask_views_and_never_the_events() -> None:
    """Which attempt of a unit counts is known where the views are, and nowhere else."""
    asking = [name_of(path) for path in MODULES if any(re.search(r"\bFROM events\b", text) for text in texts(path))]
    assert [name for name in asking if name.startswith("tui/")] == []
    assert any(name.startswith("storage/record/") for name in asking)
