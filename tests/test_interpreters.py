"""verify.py and chain.py run on Python 3.9 to 3.13: it is what the computers of reviewers have, 3.9 on macOS."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from interpreters import OWED, python
from tampering import flipped, tampered

from storage.verifier.shipped import chain_text, verifier_text

FILES = {"verify.py": verifier_text, "chain.py": chain_text}
LATER = {
    "hashlib.file_digest", "itertools.pairwise", "itertools.batched", "datetime.UTC", "math.cbrt", "math.exp2",
    "math.sumprod", "typing.Self", "typing.TypeAlias", "typing.ParamSpec", "typing.assert_never",
}  # fmt: skip
"""What came to the standard library after 3.9, as far as anybody would use it here."""

LATER_ATTRIBUTES = {"total", "bit_count", "sqlite_errorcode", "sqlite_errorname", "add_note"}
LATER_KEYWORDS = {"slots", "kw_only", "dir_fd"}


def later_than_three_nine(text: str) -> Iterator[str]:
    """What Python 3.9 would stumble over, beside what it cannot parse. `setlimit` is asked for by `hasattr`."""
    tree = ast.parse(text, feature_version=(3, 9))
    for statement in tree.body:
        value = statement.value if isinstance(statement, (ast.Assign, ast.Expr)) else None
        unions = (
            [n for n in ast.walk(value) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.BitOr)] if value else []
        )
        yield from (ast.unparse(union) for union in unions if is_type(union))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in LATER)
        elif isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            if (
                whole in LATER
                or node.attr in LATER_ATTRIBUTES
                or (whole.startswith("sqlite3.SQLITE_") and (not whole.startswith("sqlite3.SQLITE_LIMIT_")))
            ):
                yield whole
        elif isinstance(node, ast.Call):
            yield from (f"{keyword.arg}=" for keyword in node.keywords if keyword.arg in LATER_KEYWORDS)
            if ast.unparse(node.func) in ("isinstance", "issubclass") and isinstance(node.args[1], ast.BinOp):
                yield ast.unparse(node)


def is_type(union: ast.BinOp) -> bool:
    """Whether an `|` at the top of a module is between types, and not between tables or sets."""
    sides = [ast.unparse(side) for side in (union.left, union.right)]
    return any(
        side in ("None", "str", "int", "float", "bool") or side.startswith(("tuple[", "list[")) for side in sides
    )


@pytest.mark.parametrize("name", FILES)
def test_python_three_nine_reads_the_files(name: str) -> None:
    text = FILES[name]()
    assert list(later_than_three_nine(text)) == []
    ast.parse(text, feature_version=(3, 7))  # so that older ones can say what they need


@pytest.mark.parametrize(
    "line",
    [
        "Reading = tuple[str, ...] | None", "isinstance(x, int | str)", "hashlib.file_digest(s, 'sha256')",
        "sqlite3.SQLITE_BUSY", "from datetime import UTC", "Counter(x).total()", "dataclass(slots=True)",
    ],
)  # fmt: skip
def test_the_list_knows_what_is_later(line: str) -> None:
    assert list(later_than_three_nine(line))


@pytest.mark.parametrize("minor", [OWED[0], *(pytest.param(n, marks=pytest.mark.long) for n in OWED[1:-1]), OWED[-1]])
def test_every_python_says_the_same(minor: int, trained: Path, tmp_path: Path) -> None:
    place = python(minor)
    if place is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    forged = tampered(trained, tmp_path, flipped("events", "payload", 40), mended=False)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text(), encoding="utf-8")
        for root, expected in ((trained, 0), (forged, 4)):
            told = [run(at, tmp_path / name, root) for at in (place, python(11) or place)]
            assert _but_for_toml(told[0][1]) == _but_for_toml(told[1][1])
            assert {(code, wrong) for code, _, wrong in told} == {(expected, "")}


def _but_for_toml(text: str) -> list[str]:
    """What is said without the configuration, which takes Python 3.11 to read, and without the count of verdicts."""
    return [line for line in text.splitlines() if "configuration" not in line and " unknown" not in line]


def run(place: str, file: Path, root: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [place, "-I", "-W", "error", str(file), str(root)], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("minor", [7, 8])
def test_an_older_python_is_told_what_is_needed(minor: int, tmp_path: Path) -> None:
    place = python(minor)
    if place is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text(), encoding="utf-8")
        code, told, wrong = run(place, tmp_path / name, tmp_path)
        assert (code, told) == (2, "")
        assert "Python 3.9 or newer" in wrong
        assert "Traceback" not in wrong
