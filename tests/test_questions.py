"""Questions that don't belong to the constitution, or are not questions, must be refused with their file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.evaluation.constitution import parse_constitution
from core.evaluation.questions import read_questions, require_all_clauses

CONSTITUTION = parse_constitution("1. Be kind.\n2. Be true.\n")


def write(folder: Path, name: str, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def clause(number: int = 1, text: str = "Be kind.", questions: Any = ("How?", "Why?", "When?"), **more: Any) -> Any:
    return {"clause_id": number, "clause": text, "questions": list(questions), **more}


def test_questions_are_named_and_ordered_as_published(tmp_path: Path) -> None:
    write(tmp_path, "b.json", clause())
    write(tmp_path, "a.json", clause(2, "Be  true.", ["Is it?"], question_model="m"))
    write(tmp_path, "notes.txt", "not a question")
    found = read_questions(tmp_path, CONSTITUTION, per_clause=2)
    assert [(q.question_id, q.clause_id, q.clause, q.text) for q in found] == [
        ("1:0", 1, "Be kind.", "How?"),
        ("1:1", 1, "Be kind.", "Why?"),
        ("2:0", 2, "Be true.", "Is it?"),
    ]
    require_all_clauses(found, CONSTITUTION, tmp_path)


def test_a_clause_without_questions_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.json", clause())
    with pytest.raises(InputError, match=r"has no questions for clause 2; .*answer\.clauses"):
        require_all_clauses(read_questions(tmp_path, CONSTITUTION), CONSTITUTION, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"clause_id": 1,\n "clause": }', r"a\.json:2: not JSON"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        ("[1]", "expected an object"),
        ("[" * 100_000, "nested too deeply"),
        ({"clause_id": 1, "clause": "Be kind."}, "questions is missing"),
        (clause("1"), 'clause_id must be a number, not "1"'),
        (clause(True), "clause_id must be a number"),
        ({"clause_id": 1, "clause": "Be kind.", "questions": "How?"}, "questions must be a list of texts"),
        (clause(questions=[]), "questions is empty"),
        (clause(questions=["How?", " "]), r"questions\[1\] must be a text that is not blank"),
        (clause(questions=["How?", 3]), r"questions\[1\] must be a text"),
        (clause(questions=["How?", "How?"]), r"questions\[1\] repeats questions\[0\]"),
        (clause(questions=["\ud800"]), "half of a surrogate pair"),
        (clause(3), "clause_id 3 is not in the constitution"),
        (clause(1, "Be true."), "its clause 1 reads 'Be true.', the constitution's reads 'Be kind.'"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: Any, message: str) -> None:
    write(tmp_path, "a.json", content)
    with pytest.raises(InputError, match=message) as error:
        read_questions(tmp_path, CONSTITUTION)
    assert "a.json" in str(error.value)


def test_two_files_for_one_clause_no_files_and_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*\.json file"):
        read_questions(tmp_path, CONSTITUTION)
    write(tmp_path, "a.json", clause())
    write(tmp_path, "b.json", clause())
    with pytest.raises(InputError, match=r"b\.json and .*a\.json both hold the questions of clause 1"):
        read_questions(tmp_path, CONSTITUTION)
    with pytest.raises(InputError, match="is not a folder"):
        read_questions(tmp_path / "none", CONSTITUTION)
