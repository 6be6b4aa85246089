"""A constitution that is not what it looks like must be refused before anything is asked about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.evaluation.constitution import parse_constitution, read_constitution


def test_clauses_keep_their_numbers_and_texts() -> None:
    found = parse_constitution("1. Be kind.\n\n2.\tBe 2. true\r\n7. Be brief.\n")
    assert found.clauses == {1: "Be kind.", 2: "Be 2. true", 7: "Be brief."}
    assert found.first(2).clauses == {1: "Be kind.", 2: "Be 2. true"}
    assert found.first(2).text == found.text
    assert found.first(None).clauses == found.clauses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1. a\nbe kind\n", "c.txt:2: not a numbered clause: 'be kind'"),
        ("1. a\n3. b\n2. c\n", "c.txt:3: clause 2 comes after clause 3"),
        ("1. a\n1. b\n", "c.txt:2: clause 1 comes after clause 1"),
        ("0. a\n", "c.txt:1: not a numbered clause"),
        ("1.\n", "c.txt:1: not a numbered clause"),
        ("1) a\n", "c.txt:1: not a numbered clause"),
        ("- a\n", "c.txt:1: not a numbered clause"),
        ("\n \n", "c.txt holds no clause"),
        ("x" * 500, "c.txt:1: not a numbered clause: '" + "x" * 59 + "…'"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_constitution(text, where="c.txt")
    assert message in str(error.value)


def test_a_missing_file_and_one_in_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the constitution .*none\.txt: No such file"):
        read_constitution(tmp_path / "none.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("1. Sei freundlich und höflich.".encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 23\)"):
        read_constitution(latin)


def test_a_byte_order_mark_is_no_part_of_the_first_clause(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(b"\xef\xbb\xbf1. Be kind.")
    assert read_constitution(path).clauses == {1: "Be kind."}
