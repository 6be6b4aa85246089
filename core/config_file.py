"""Reading a configuration: TOML, `--set` overrides, and a sentence for everything that is wrong in it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from core.asking.prompt_files import read_template
from core.complaints import WrongConfiguration, complaints_of, model_inside
from core.config import RunConfig, resolved
from core.errors import InputError
from core.facts.places import apart
from core.facts.settings import settings_in
from core.facts.training.families import with_members
from core.sections.section import Section
from core.sections.what_trains import BASE_MODEL, ConditionSection, TrainSection
from core.sections.who_judges import AddedJudges, JudgeModel


class LoadedConfig(Section):
    """A checked configuration with the origin of every value given (`file`, `set`, `clone`; else `default`)."""

    config: RunConfig
    origins: dict[str, str]


@dataclass(frozen=True)
class Given:
    """The values of a configuration before they are checked, and where each of them is from."""

    values: dict[str, Any]
    origins: dict[str, str]
    where: str
    """What they stand in, as sentences name it."""


def load_config(path: Path, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Reads a TOML file, applies `a.b=c` overrides and checks the result.

    Relative paths inside the file are taken from its folder, those of an override from the current one.

    Raises:
        InputError: the file is missing or no TOML, or a value is wrong; the message holds the key's path.
    """
    return checked(changed(given_in(path), overrides))


def given_in(path: Path) -> Given:
    """What stands in a TOML file.

    Raises:
        InputError: the file is missing or no TOML.
    """
    return _given(_text(path), str(path), path.parent)


def load_judges(path: Path) -> AddedJudges:
    """Reads a TOML file of `[[judge.judges]]` and `[[endpoints]]`; relative paths are taken from its folder.

    Raises:
        InputError: as `load_config`.
    """
    values = _parsed(_text(path), str(path))
    _place(values, AddedJudges, path.parent)
    try:
        return AddedJudges.model_validate(values)
    except ValidationError as error:
        raise WrongConfiguration(str(path), complaints_of(error, AddedJudges)) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the configuration {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the configuration {path} is not UTF-8 text") from error


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML: {error}") from error


def parse_config(
    text: str, overrides: Sequence[str] = (), where: str = "configuration", folder: Path = Path()
) -> LoadedConfig:
    """`load_config` on a text, whose relative paths are taken from `folder`."""
    return checked(changed(_given(text, where, folder), overrides))


def _given(text: str, where: str, folder: Path) -> Given:
    values = _parsed(text, where)
    _place(values, RunConfig, folder)
    try:
        values = with_members(values)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
    return Given(values, {key: "file" for key, _ in settings_in(values)}, where)


_MODELS = (TrainSection, JudgeModel)
"""Sections whose `model` may be a folder; a judge's where it is local."""


def _place(values: Any, model: type[BaseModel], folder: Path) -> None:
    """Puts `folder` before the relative paths of a file's values, and before a model's where there is such a folder."""
    if not isinstance(values, dict):
        return
    for name, field in model.model_fields.items():
        given, inside = values.get(name), model_inside(field.annotation)
        if inside is not None:
            for section in given if isinstance(given, list) else [given]:
                _place(section, inside, folder)
        elif isinstance(given, str) and _is_place(field.annotation):
            values[name] = str(folder / Path(given).expanduser())
        elif isinstance(given, str) and name == "model" and model in _MODELS and given not in BASE_MODEL:
            there = folder / Path(given).expanduser()
            local = values.get("kind", "local") == "local" and there.is_dir()
            values[name] = str(there.absolute()) if local else given
        elif isinstance(given, str) and name == "source" and model is ConditionSection:
            values[name] = _placed_source(given, folder)


def _placed_source(source: str, folder: Path) -> str:
    """A condition's source with `folder` before its relative path: that of a model where there is such a folder."""
    kind, rest = apart(source)
    there = folder / Path(rest).expanduser()
    placed = bool(rest) and (kind == "answers:" or (kind == "model:" and there.is_dir()))
    return f"{kind}{there.absolute()}" if placed else source


def _is_place(annotation: Any) -> bool:
    return annotation is Path or any(_is_place(inner) for inner in get_args(annotation))


def changed(given: Given, overrides: Sequence[str]) -> Given:
    """The values after `a.b=c` overrides in their order; those that were given stay as they are.

    Raises:
        InputError: an override has another shape, or its key leads to no place.
    """
    values, origins = copy.deepcopy(given.values), given.origins
    for override in overrides:
        key, value = parse_override(override)
        _set(values, key, value)
        if key[-1] == "prompt":
            _set(values, (*key[:-1], "template"), None)
        name = ".".join(key)
        origins = {known: origin for known, origin in origins.items() if not f"{known}.".startswith(f"{name}.")}
        origins |= {inner: "set" for inner, _ in settings_in(value, key)}
    return Given(values, origins, given.where)


def checked(given: Given) -> LoadedConfig:
    """The configuration of these values.

    Raises:
        WrongConfiguration: values are wrong, each with its key's path.
        InputError: a file of a prompt cannot be used.
    """
    values = copy.deepcopy(given.values)
    _read_prompts(values)
    try:
        config = RunConfig.model_validate(values)
    except ValidationError as error:
        raise WrongConfiguration(given.where, complaints_of(error, RunConfig)) from error
    return LoadedConfig(
        config=config, origins={key: given.origins.get(key, "default") for key, _ in settings_in(resolved(config))}
    )


def _read_prompts(values: dict[str, Any]) -> None:
    """Puts what is in the files of prompts into `template`, where that holds nothing yet.

    Raises:
        InputError: a file is no prompt.
    """
    judge, answer = (section if isinstance(section, dict) else {} for section in map(values.get, ("judge", "answer")))
    judges = judge.get("judges")
    asked = [(one, "judge") for one in judges] if isinstance(judges, list) else []
    for section, who in [*asked, (answer.get("generate"), "writer")]:
        if isinstance(section, dict) and isinstance(section.get("prompt"), str) and section.get("template") is None:
            section["template"] = read_template(Path(section["prompt"]).expanduser(), who)


def change(config: RunConfig, overrides: Sequence[str], where: str = "the clone's configuration") -> LoadedConfig:
    """A configuration with some values changed, as `--set` does; for a clone of a run, or a run that goes on.

    Raises:
        InputError: a value is wrong; the message holds the key's path.
    """
    return cloned(resolved(config), overrides, where)


def cloned(values: dict[str, Any], overrides: Sequence[str], where: str) -> LoadedConfig:
    """A configuration of values that another run's has given, as plain JSON values.

    Raises:
        InputError: a value is wrong; the message holds the key's path.
    """
    return checked(changed(given_by(values, where), overrides))


def given_by(values: dict[str, Any], where: str) -> Given:
    """Values that another run's configuration has given, as plain JSON values."""
    return Given(values, {key: "clone" for key, _ in settings_in(values)}, where)


def parse_override(override: str) -> tuple[tuple[str, ...], object]:
    key, separator, raw = override.partition("=")
    if not separator or not all(key.split(".")):
        raise InputError(f"--set {override!r}: write it as key.path=value, for example run.seed=7")
    try:
        value: object = tomllib.loads(f"value = {raw}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        value = raw
    return tuple(key.split(".")), value


def _set(values: dict[str, Any], key: tuple[str, ...], value: object) -> None:
    place: Any = values
    for i, part in enumerate(key):
        where = ".".join(key[: i + 1])
        last = i == len(key) - 1
        if isinstance(place, list):
            if not part.isdigit() or int(part) >= len(place):
                raise InputError(f"--set {where}: this list has {len(place)} entries, numbered from 0")
            index: Any = int(part)
        elif isinstance(place, dict):
            index = part
            if not last:
                place.setdefault(part, {})
        else:
            raise InputError(f"--set {where}: {'.'.join(key[:i])} is a value, not a section")
        if last:
            place[index] = value
            if index == "prompt" and isinstance(place, dict):
                place.pop("template", None)  # what another file held
        else:
            place = place[index]
