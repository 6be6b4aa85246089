"""What is declared is what is imported: nothing less, or somebody's installation lacks it, and nothing more."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.program.environment import LOW_MEMORY, TRAINING, missing_packages

CHECKOUT = Path(__file__).resolve().parent.parent
OWN = {"core", "storage", "tui", "dempo"}
THROUGH_ANOTHER = {"accelerate"}
"""Packages that training needs although only `transformers` imports them."""


IMPORTED_AS = {"pyyaml": "yaml", "torch_optimi": "optimi"}


def declared() -> tuple[set[str], set[str], set[str]]:
    """The packages of the base, of training and of its low-memory optimizers, by the names that are imported."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    base, training, low_memory = (
        {imported_name(line) for line in lines}
        for lines in (project["dependencies"], extras["train"], extras["lowmem"])
    )
    return base, training, low_memory


def imported_name(requirement: str) -> str:
    name = re.split(r"[<>=~!\[; ]", requirement)[0].replace("-", "_")
    return IMPORTED_AS.get(name, name)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_exactly_what_is_imported_is_declared() -> None:
    sources = [path for root in ("core", "storage", "tui") for path in (CHECKOUT / root).rglob("*.py")]
    found = {name for path in sources for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    base, training, low_memory = declared()
    assert base | training | low_memory == found - OWN - set(sys.stdlib_module_names) | THROUGH_ANOTHER
    assert base & training == base & low_memory == training & low_memory == set()
    assert training == set(TRAINING)
    assert low_memory == {imported_name(name) for name in LOW_MEMORY}


def test_a_package_of_training_is_installed_with_all_of_them() -> None:
    told = missing_packages(["torch", "trl"])
    assert told.startswith("this needs 'torch', 'trl'; the packages are not installed (")
    assert told.endswith("[train]'`)")
    assert missing_packages(["openai"]).endswith("-m pip install openai`)")
    assert missing_packages(["torch", "torch-optimi"]).endswith("[train,lowmem]'`)")
    assert missing_packages(["torchao", "openai"]).endswith("[lowmem]' openai`)")


@pytest.mark.parametrize("name", ["CITATION.cff", "SECURITY.md", "LICENSE"])
def test_who_comes_from_elsewhere_finds_what_is_usual(name: str) -> None:
    assert (CHECKOUT / name).read_text(encoding="utf-8").strip()
