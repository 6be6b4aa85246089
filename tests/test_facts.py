"""What storeys must agree on stands once, on the standard library alone; these rules keep it so."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.facts.ranking.methods import METHODS
from core.facts.sortition.draw import PUBLIC_ORIGINS
from core.facts.stages import STAGE_NAMES, skipped_because
from core.facts.words import ORIGINS, SKIPPED, SOLVED, in_words
from storage.verifier.shipped import parts

CHECKOUT = Path(__file__).resolve().parent.parent
FACTS = CHECKOUT / "core" / "facts"
PRODUCTION = [path for root in ("core", "storage", "tui") for path in sorted((CHECKOUT / root).rglob("*.py"))]
OUTSIDE = [path for path in PRODUCTION if FACTS not in path.parents]
MODULES = [path for path in PRODUCTION if FACTS in path.parents and path.name != "__init__.py"]


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def imported(tree: ast.Module) -> Iterator[str]:
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.module or ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_facts_import_the_standard_library_and_facts_alone(path: Path) -> None:
    foreign = [
        module
        for module in imported(ast.parse(path.read_text(encoding="utf-8")))
        if not module.startswith("core.facts") and module.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []


def party(path: Path) -> str:
    """Who uses a fact: a storey, or the verifier, which travels without the rest."""
    name = name_of(path)
    return "verifier" if name.startswith("storage/verifier/") else name.partition("/")[0]


def named(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything that is imported from facts."""
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("core.facts"):
            yield from ((statement.module or "", alias.name) for alias in statement.names)


def defined(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id


def test_every_name_of_the_facts_serves_two_parties() -> None:
    """Or other facts. What one party alone needs belongs to it."""
    users: dict[tuple[str, str], set[str]] = {}
    for path in OUTSIDE:
        for used in named(path):
            users.setdefault(used, set()).add(party(path))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    inside = {
        node.id
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    lonely = [
        (name_of(path), name, sorted(users.get((module, name), set())))
        for path, tree in trees.items()
        for module in [".".join(path.relative_to(CHECKOUT).with_suffix("").parts)]
        for name in defined(tree)
        if not name.startswith("_") and name not in inside and len(users.get((module, name), set())) < 2
    ]
    assert lonely == []


def needed_by_the_verifier() -> set[Path]:
    """The facts that it imports, and those that these import."""
    left = [path for path in OUTSIDE if party(path) == "verifier" and path.name != "shipped.py"]
    found: set[Path] = set()
    while left:
        for module, _ in named(left.pop()):
            path = (CHECKOUT / module.replace(".", "/")).with_suffix(".py")
            if path not in found:
                found.add(path)
                left.append(path)
    return found


def test_the_file_of_the_verifier_is_joined_from_the_facts_that_it_needs() -> None:
    joined = {CHECKOUT / part for part in parts() if part.startswith("core/facts/")}
    assert joined == needed_by_the_verifier()


def test_every_key_of_a_record_has_its_words() -> None:
    every = {"data": {"format": "prism"}}
    keys = {skipped_because(name, every) for name in STAGE_NAMES} - {None}
    for name in ("lotteries", "draws", "conditions", "train", "answer"):
        every |= {name: [{"source": "all"}]}
        keys |= {skipped_because(stage, every) for stage in STAGE_NAMES} - {None}
    keys |= {skipped_because("pairs", {"data": {"format": kind}}) for kind in ("tables", "none")}
    keys |= {skipped_because("model", {"conditions": [{"source": "answers:a.jsonl"}]})}
    assert keys == set(SKIPPED)
    assert set(PUBLIC_ORIGINS.values()) | {"stage", "unit"} == set(ORIGINS)
    for words in (SKIPPED, ORIGINS, SOLVED):
        assert all(" " not in key and " " in sentence for key, sentence in words.items())
        assert [in_words(key) for key in words] == list(words.values())


def literals(path: Path) -> Iterator[tuple[int, set[str]]]:
    """Line and texts of every tuple (those of a `Literal` among them), list, set and table of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", None)
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict) and parts:
            found = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
            yield node.lineno, found
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            yield (
                node.lineno,
                {p.value for p in node.slice.elts if isinstance(p, ast.Constant) and isinstance(p.value, str)},
            )


DISPATCH = {
    "core/pipeline.py": "stage to the function that does it",
    "core/ranking/leaderboards.py": "method to its numpy estimate",
    "storage/verifier/contents/planned.py": "stage to the units that it plans",
    "storage/verifier/ranking/intervals.py": "method to its estimate in plain Python",
    "storage/summary/labels.py": "method to its name for people (tests/test_show.py knows that each has one)",
}
"""Tables that say what is done for each, which is no second list: tests compare their keys with the facts."""


def test_no_list_of_stages_or_methods_stands_a_second_time() -> None:
    second = [
        (name_of(path), line, sorted(found & set(known)))
        for path in OUTSIDE
        if name_of(path) not in DISPATCH
        for line, found in literals(path)
        for known in (STAGE_NAMES, METHODS)
        if len(found & set(known)) > len(known) // 2
    ]
    assert second == []


def test_the_tables_that_dispatch_know_every_stage_and_method() -> None:
    from core.pipeline import STAGES
    from core.ranking.leaderboards import _ESTIMATORS
    from storage.verifier.contents.planned import UNITS
    from storage.verifier.ranking.intervals import BY_METHOD

    assert [stage.name for stage in STAGES] == list(STAGE_NAMES)
    assert list(UNITS) == list(STAGE_NAMES)
    assert _ESTIMATORS.keys() == BY_METHOD.keys() == set(METHODS)
