"""Small folders in PRISM's format, written by hand in tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.config_file import parse_config

Scored = tuple[Any, ...]
"""(text, score) or (text, score, chosen) of one response."""

ATTRIBUTES = """
[[population.attributes]]
name = "gender"
column = "gender"
targets = { "Male" = 0.5, "Female" = 0.48, "Prefer not to say" = 0.02 }
[[population.attributes]]
name = "ethnicity"
column = "ethnicity.simplified"
targets = { "White" = 0.6, "Black" = 0.4 }
"""


def config(path: Path, population: str = "", **data: Any) -> RunConfig:
    """A configuration whose data is a folder."""
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {"path": str(path), **data}.items())
    return parse_config(f'[run]\nname = "t"\n[data]\n{settings}\n{population}').config


def person(user: str, locale: str = "us", **more: Any) -> dict[str, Any]:
    """A row of the survey."""
    row = {
        "user_id": user,
        "survey_only": False,
        "study_locale": locale,
        "included_in_US_REP": False,
        "gender": "Female",
        "ethnicity": {"self_described": "…", "simplified": "White"},
    }
    return {**row, **more}


@dataclass
class Prism:
    """The rows of the three files; tests change them before they are written."""

    survey: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    utterances: list[dict[str, Any]] = field(default_factory=list)

    def person(self, user: str, locale: str = "us", **more: Any) -> Prism:
        self.survey.append(person(user, locale, **more))
        return self

    def talk(self, name: str, user: str, *turns: tuple[str | None, Sequence[Scored]]) -> Prism:
        """A conversation in both files: per turn the prompt and the scored responses."""
        history: list[dict[str, Any]] = []
        for turn, (prompt, responses) in enumerate(turns):
            history.append({"turn": turn, "role": "user", "content": prompt})
            for i, (text, score, *chosen) in enumerate(responses):
                said = {"score": score, "if_chosen": bool(chosen and chosen[0]), "within_turn_id": i}
                history.append({"turn": turn, "role": "model", "content": text, **said})
                self.utterances.append(
                    {
                        "utterance_id": f"{name}.{turn}.{i}",
                        "conversation_id": name,
                        "user_id": user,
                        "turn": turn,
                        "user_prompt": prompt,
                        "model_response": text,
                        **said,
                    }
                )
        self.conversations.append({"conversation_id": name, "user_id": user, "conversation_history": history})
        return self

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("survey", "conversations", "utterances"):
            lines = [json.dumps(row) + "\n" for row in getattr(self, name)]
            (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        return folder


def small() -> Prism:
    """Two raters with pairs and one with a tie only; the hand-worked pairs are in test_prism.py."""
    return (
        Prism()
        .person("zoe", gender="Male")
        .person("ann")
        .person("tim", "uk")
        .talk(
            "c1",
            "zoe",
            ("p0", [("A", 80, True), ("B", 60), ("C", 60)]),
            ("p1", [("D", 10), ("E", 90, True)]),
        )
        .talk("c2", "ann", ("p0", [("B", 5), ("A", 7, True)]))
        .talk("c3", "tim", ("p0", [("A", 50, True), ("B", 50)]))
    )
