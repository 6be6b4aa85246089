"""The survey of a planted world, as rows of PRISM's three files.

Raters answer five conversations each: a prompt with four answers to score, and in every fourth
conversation a follow-up with two. Prompts are never the held-out ones, answers have random styles.
A score is 50 + 12·(θ·x + Gumbel noise), rounded and kept between 1 and 100, so that within a turn the
higher score wins as often as the truth says (equal scores make no pair). A few people fill in the
survey only, as in PRISM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.planted.world import RATERS, Floats, World, gumbels
from core.data.planted.world_texts import FOLLOW_UPS, random_style, styles_of, write_answer
from core.facts.randomness import RandomStream

SURVEY_ONLY = 12
CONVERSATIONS = 5
ANSWERS = (4, 2)
"""Answers to the opening prompt, and to a follow-up."""

Row = dict[str, Any]


@dataclass(frozen=True)
class SurveyRows:
    """Rows of `survey.jsonl`, `conversations.jsonl` and `utterances.jsonl`."""

    survey: list[Row]
    conversations: list[Row]
    utterances: list[Row]


@dataclass(frozen=True)
class _Person:
    user: str
    taste: Floats
    answers: Mapping[str, str]
    """Category per column of the survey."""


def survey_rows(world: World) -> SurveyRows:
    """All rows of a world; everything derives from the world's seed."""
    rows = SurveyRows([], [], [])
    for number in range(RATERS + SURVEY_ONLY):
        stream = RandomStream(world.seed, "world", world.kind, "rater", str(number))
        cell, taste = world.person("pool", stream)
        answers = {trait.name: trait.categories[c] for trait, c in zip(world.traits, cell, strict=True)}
        person = _Person(f"user{number}", taste, answers)
        survey_only = number >= RATERS
        rows.survey.append(_survey_row(person, survey_only))
        if not survey_only:
            _talk(world, person, stream, rows)
    return rows


def _talk(world: World, person: _Person, stream: RandomStream, rows: SurveyRows) -> None:
    """Adds a rater's conversations and utterances."""
    for opening in stream.sample(world.training_prompts, CONVERSATIONS):
        conversation = f"c{len(rows.conversations)}"
        prompts = [opening]
        if stream.below(4) == 0:
            prompts.append(FOLLOW_UPS[stream.below(len(FOLLOW_UPS))])
        history: list[Row] = []
        for turn, prompt in enumerate(prompts):
            scored = _scored_answers(person.taste, ANSWERS[turn], stream)
            history.append({"turn": turn, "role": "user", "content": prompt})
            history += [{"turn": turn, "role": "model", **_in_history(answer)} for answer in scored]
            interaction = f"int{conversation[1:]}_{turn}"
            for answer in scored:
                utterance = f"ut{len(rows.utterances)}"
                rows.utterances.append(
                    _utterance_row(utterance, interaction, conversation, person, turn, prompt, answer)
                )
        rows.conversations.append(_conversation_row(conversation, person, opening, len(prompts), history))


def _scored_answers(taste: Floats, size: int, stream: RandomStream) -> list[Row]:
    """Distinct answers to one prompt with the rater's scores; the best liked one is chosen."""
    texts: list[str] = []
    while len(texts) < size:
        text = write_answer(random_style(stream), stream)
        if text not in texts:
            texts.append(text)
    utilities = styles_of(texts) @ taste + gumbels(stream, size)
    scores = np.clip(np.rint(50 + 12 * utilities), 1, 100).astype(int)
    return [
        {
            "content": text,
            "model_name": "simulated",
            "model_provider": "simulated",
            "score": int(score),
            "if_chosen": i == int(np.argmax(utilities)),
            "within_turn_id": i,
        }
        for i, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]


def _in_history(answer: Row) -> Row:
    keys = ("content", "model_provider", "model_name", "score", "if_chosen", "within_turn_id")
    return {key: answer[key] for key in keys}


def _survey_row(person: _Person, survey_only: bool) -> Row:
    columns: Sequence[str] = ("age", "gender", "employment_status", "education", "marital_status")
    return {
        "user_id": person.user,
        "survey_only": survey_only,
        "num_completed_conversations": 0 if survey_only else CONVERSATIONS,
        **{column: person.answers.get(column, "Prefer not to say") for column in columns},
        "study_id": "simulated",
        "study_locale": "simulated",
        "religion": {"self_described": "", "categorised": "Prefer not to say", "simplified": "Prefer not to say"},
        "ethnicity": {"self_described": "", "categorised": "Prefer not to say", "simplified": "Prefer not to say"},
        "location": {"birth_country": "Prefer not to say", "reside_country": "Prefer not to say"},
        "included_in_US_REP": False,
        "included_in_UK_REP": False,
        "included_in_balanced_subset": not survey_only,
        "simulated": True,
    }


def _conversation_row(conversation: str, person: _Person, opening: str, turns: int, history: list[Row]) -> Row:
    return {
        "conversation_id": conversation,
        "user_id": person.user,
        "conversation_type": "unguided",
        "opening_prompt": opening,
        "conversation_turns": turns,
        "conversation_history": history,
        "included_in_US_REP": False,
        "included_in_UK_REP": False,
    }


def _utterance_row(
    utterance: str, interaction: str, conversation: str, person: _Person, turn: int, prompt: str, answer: Row
) -> Row:
    return {
        "utterance_id": utterance,
        "interaction_id": interaction,
        "conversation_id": conversation,
        "user_id": person.user,
        "turn": turn,
        "within_turn_id": answer["within_turn_id"],
        "conversation_type": "unguided",
        "user_prompt": prompt,
        "model_response": answer["content"],
        "model_name": answer["model_name"],
        "model_provider": answer["model_provider"],
        "score": answer["score"],
        "if_chosen": answer["if_chosen"],
        "included_in_balanced_subset": True,
    }
