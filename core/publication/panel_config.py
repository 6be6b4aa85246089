"""The published configuration of a panel, a YAML file: target proportions, panel size, tolerance, locale.

`tolerance`, `panel_size`, `locale_filter` and a list `attributes` of `name`, `column`, `nested_key`, `slack_categories`
and `population_proportions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.publication.folder import read_whole

LOTTERY = "leximin"
"""The name of the run's own lottery."""

_LARGEST = 1_000_000


def people_text(survey: Path, panel_config: Path, folder: Path) -> str:
    """The sections of a run's configuration that make its pool and its lottery, as TOML.

    Args:
        survey: a folder in PRISM's format, or the survey.jsonl in one.
        folder: where the files about people lie that the lottery is compared with.

    Raises:
        InputError: the YAML file is none of a panel. What is wrong with its values is said where the result is read.
    """
    read = _mapping(_loaded(panel_config), panel_config, "it")
    place = survey.parent if survey.suffix == ".jsonl" else survey
    lines = ["[data]", 'format = "prism"', f"path = {_quoted(str(place))}"]
    if read.get("locale_filter") is not None:
        lines.append(f"locale = {_quoted(str(read['locale_filter']))}")
    for entry in _listed(read.get("attributes"), panel_config, "attributes"):
        lines += [
            "",
            "[[population.attributes]]",
            *_attribute(_mapping(entry, panel_config, "an attribute"), panel_config),
        ]
    size, tolerance = read.get("panel_size"), read.get("tolerance", 0.1)
    if not isinstance(size, int) or isinstance(size, bool):
        raise InputError(f"{panel_config}: panel_size is {size!r}, and a panel has a whole number of members")
    lines += ["", "[[lotteries]]", f"name = {_quoted(LOTTERY)}", f"size = {size}"]
    lines += [f"tolerance = {_number(tolerance, panel_config, 'tolerance')}", f"published = {_quoted(str(folder))}", ""]
    return "\n".join(lines)


def _loaded(path: Path) -> Any:
    import yaml

    body = read_whole(path)
    if len(body) > _LARGEST:
        raise InputError(f"{path} is larger than any configuration of a panel")
    try:
        return yaml.safe_load(body.decode("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path} is not YAML ({told[:200]}); name the published configuration of the panel") from None


def _attribute(entry: Mapping[str, Any], path: Path) -> list[str]:
    name, column, nested = (entry.get(key) for key in ("name", "column", "nested_key"))
    if not isinstance(name, str) or not isinstance(column, str):
        raise InputError(f"{path}: an attribute has no name or no column; each needs both")
    shares = _mapping(entry.get("population_proportions"), path, f"population_proportions of {name}")
    targets = ", ".join(f"{_quoted(str(key))} = {_number(value, path, str(key))}" for key, value in shares.items())
    slack = ", ".join(
        _quoted(str(one)) for one in _listed(entry.get("slack_categories") or [], path, "slack_categories")
    )
    return [
        f"name = {_quoted(name)}",
        f"column = {_quoted(column if nested is None else f'{column}.{nested}')}",
        f"slack = [{slack}]",
        f"targets = {{ {targets} }}",
    ]


def _number(value: Any, path: Path, what: str) -> str:
    """A proportion as the decimal that stands in the file."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{path}: {what} is {value!r}, and a proportion is a number")
    return _quoted(format(Decimal(str(value)), "f")) if abs(value) < _LARGEST else _quoted(str(value))


def _mapping(value: Any, path: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            f"{path}: {what} is no mapping; a published configuration of a panel has panel_size, tolerance and "
            "attributes with their population_proportions"
        )
    return value


def _listed(value: Any, path: Path, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise InputError(f"{path}: {what} is no list")
    return value


def _quoted(value: str) -> str:
    """A basic string of TOML, which JSON's escapes fit."""
    return json.dumps(value).replace("\x7f", "\\u007f")
