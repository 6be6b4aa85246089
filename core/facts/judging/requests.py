"""What a request to a model is made of beside its words, and the key that stands for all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.randomness import derive_key

ADDRESS_VARIABLE = "OPENAI_BASE_URL"
DEFAULT_ADDRESS = "https://api.openai.com/v1"

WRITING_TRIES = 3
"""How often a clause is asked for while the reply holds too few questions."""


def file_unit(label: str) -> str:
    """The unit that holds what was read of the file of a recorded judge; no call's unit ends so."""
    return f"{label}#file"


def address_of(configured: str | None, environment: Mapping[str, str]) -> str:
    """Where calls go: the configured address, else that of the environment, else OpenAI's."""
    return (configured or environment.get(ADDRESS_VARIABLE) or DEFAULT_ADDRESS).rstrip("/")


def judging_parameters(
    seed: str | int,
    label: str,
    index: int,
    question: str,
    temperature: float,
    max_tokens: int,
    extra_body: Mapping[str, Any] | None = None,
    reasoning: bool | None = None,
) -> dict[str, Any]:
    """What shapes a judge's reply beside its prompt; `seed` is the run's; with `reasoning`, reasons are asked for."""
    parameters = _parameters(temperature, max_tokens, seed, "judge", "seed", question, label, str(index))
    return {**parameters, **_extra(extra_body), **({"reasoning": True} if reasoning else {})}


def writing_parameters(
    seed: str | int,
    clause: int,
    attempt: int,
    count: int,
    extra_body: Mapping[str, Any] | None = None,
    temperature: float | None = None,
) -> dict[str, Any]:
    """What shapes the reply of a model that writes `count` questions, at its attempt for a clause; from 0."""
    parameters = _parameters(
        1.0 if temperature is None else temperature,
        1024 + 96 * count,
        seed,
        "answer",
        "generate",
        str(clause),
        str(attempt),
    )
    return {**parameters, **_extra(extra_body)}


def answering_parameters(
    seed: str | int,
    condition: str,
    question: str,
    max_tokens: int,
    stop: Sequence[str],
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What shapes the answer of a model behind an endpoint beside the question; `seed` is the run's."""
    parameters = _parameters(0.0, max_tokens, seed, "answer", "seed", question, condition)
    return {**parameters, **({"stop": list(stop)} if stop else {}), **_extra(extra_body)}


def _extra(extra_body: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configured fields where there are any: keys of requests without them are as they were before."""
    return {"extra_body": extra_body} if extra_body else {}


def _parameters(temperature: float, max_tokens: int, seed: str | int, *path: str) -> dict[str, Any]:
    """The seed is below 2^31, which every server accepts."""
    drawn = int.from_bytes(derive_key(seed, *path)[:4], "big") >> 1
    return {"temperature": float(temperature), "max_tokens": max_tokens, "seed": drawn}


def judging_key(
    model: str, address: str | None, prompt: str, order: Sequence[str], index: int, parameters: Mapping[str, Any]
) -> str:
    """SHA-256 over model, address, prompt, shown order, judge index and parameters."""
    return _key(model, address, prompt, list(order), index, dict(parameters))


def local_parameters(labels: Sequence[str], calibration: str | None) -> dict[str, Any]:
    """What shapes a local judge's ranking beside its prompt; without calibration as it was before there was any."""
    return {"labels": list(labels)} | ({"calibration": calibration} if calibration else {})


def writing_key(model: str, address: str, prompt: str, parameters: Mapping[str, Any]) -> str:
    """SHA-256 over model, address, prompt and parameters."""
    return _key(model, address, prompt, dict(parameters))


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
