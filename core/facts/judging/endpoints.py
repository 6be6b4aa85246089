"""Endpoints that a configuration names: where a judge or a writer of questions is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def endpoint_of(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of where a judge or a writer is asked: the entry of `endpoints` that it names, else its own words.

    Either may hold `base_url`.
    """
    name = asked.get("endpoint")
    return asked if name is None else {entry["name"]: entry for entry in config["endpoints"]}[name]


def with_addresses(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with addresses in place of the names of endpoints: what a stage records depends on these alone,
    whatever an endpoint is called, whichever variable holds its key, whichever headers say who asks, and wherever the
    words of a prompt were read (its template holds them)."""
    found = dict(config)
    judge, answer = config.get("judge") or {}, config.get("answer") or {}
    if judge.get("judges"):
        found["judge"] = {**judge, "judges": [_with_address(one, config) for one in judge["judges"]]}
    if answer.get("generate"):
        found["answer"] = {**answer, "generate": _with_address(answer["generate"], config)}
    if any("endpoint" in asked_behind(one) for one in config.get("conditions") or ()):
        found["conditions"] = [_condition_with_address(one, config) for one in config["conditions"]]
    return found


def asked_behind(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    """A condition as one that is asked at the endpoint that its source names; nothing where it is none."""
    kind, _, name = str(condition.get("source")).partition(":")
    return {**condition, "endpoint": name} if kind == "endpoint" else {}


def _condition_with_address(condition: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = asked_behind(condition)
    return {**_with_address(asked, config), "source": "endpoint"} if asked else condition


def _with_address(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    rest = {name: value for name, value in asked.items() if name not in ("endpoint", "headers", "prompt")}
    if "endpoint" not in asked:
        return rest
    address = endpoint_of(asked, config).get("base_url")
    return rest if address is None else {**rest, "base_url": address}
