"""config.toml, the configuration as it was given, against the one that the first event holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import PurePath
from typing import Any

from core.facts.places import apart, with_places
from core.facts.plural import number_of
from core.facts.settings import settings_in
from core.facts.training.families import with_members
from storage.verifier.contents.whole import is_plain_file
from storage.verifier.ground.finding import Finding, brief, broken, whole
from storage.verifier.ground.reading import is_foreign
from storage.verifier.ground.record import Record

GIVEN_NAME = "config.toml"
LARGEST_GIVEN = 16 * 1024**2
WORDS_OF_TRUTH = {True: ("true", "1", "on", "yes", "t", "y"), False: ("false", "0", "off", "no", "f", "n")}


def check_given(record: Record) -> str:
    """Every value of the file that nothing overrode is the run's, and every one that is said to be from it is in it."""
    whole(record)
    path, first = record.root / GIVEN_NAME, record.genesis
    if is_foreign(record.root):
        raise Finding("unknown", f"{GIVEN_NAME} in a bundle is the text as it was given, compared with nothing")
    if not first or not is_plain_file(path):
        raise Finding("unknown", f"{GIVEN_NAME} is not here, so nothing shows what the run was asked for")
    given, origins = dict(settings_in(_expanded(_parsed(path.read_bytes())))), first["origins"]
    recorded = dict(settings_in(with_places(first["config"], first.get("places", {}))))
    compared = [key for key, origin in origins.items() if origin == "file"]
    if not compared:
        return f"no value of the run is said to come from {GIVEN_NAME}; a clone's are those of the run before"
    for key in compared:
        if key not in given:
            raise _other(f"the run has {key} from the file, and it is not there")
        if not _is_value(given[key], recorded.get(key)):
            raise _other(f"it gives {key} = {brief(_plain(given[key]))}, and the run has {brief(recorded.get(key))}")
    for key, value in given.items():
        if origins.get(key, "default") == "default" and not _is_nothing(value) and not _overridden(key, origins):
            raise _other(f"it gives {key}, which the run does not have from it")
    return f"{number_of(len(compared), 'value')} of the run stand in {GIVEN_NAME} so"


def _other(told: str) -> Finding:
    return broken(f"{GIVEN_NAME} is not what this run was made with: {told}", 1)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:
        raise Finding("unknown", f"Python 3.11 or newer is needed to read {GIVEN_NAME}") from None
    if len(body) > LARGEST_GIVEN:
        raise Finding("unchecked", f"{GIVEN_NAME} is too large to read")
    try:
        return tomllib.loads(body.decode(), parse_float=Decimal)
    except ValueError as error:
        raise _other(f"it cannot be read ({str(error)[:100]})") from None


def _expanded(values: dict[str, Any]) -> dict[str, Any]:
    """The values with a condition for each draw that one of the file stands for."""
    try:
        return with_members(values)
    except ValueError as error:
        raise _other(str(error)[:200]) from None


def _overridden(key: str, origins: Mapping[str, str]) -> bool:
    """Whether a section that holds this key was replaced as a whole: none of it is from the file any more."""
    parts = key.split(".")
    for end in range(1, len(parts)):
        section = ".".join(parts[:end])
        inside = {origin for name, origin in origins.items() if f"{name}.".startswith(f"{section}.")}
        if inside - {"default"} and "file" not in inside:
            return True
    return False


def _is_nothing(value: Any) -> bool:
    """Whether a value may be left out of the resolved configuration: an empty section, and what is not wanted."""
    return value is False or value == {} or (isinstance(value, str) and value.lower() in WORDS_OF_TRUTH[False])


def _is_value(given: Any, recorded: Any) -> bool:
    """Whether the program makes the one of the other: numbers may stand as texts, and places are completed."""
    if isinstance(recorded, bool):
        return str(given).lower() in WORDS_OF_TRUTH[recorded]
    if isinstance(given, list) and isinstance(recorded, list):
        return len(given) == len(recorded) and all(map(_is_value, given, recorded))
    if given == {} and recorded == {}:
        return True
    if isinstance(given, str) and isinstance(recorded, str) and (given == recorded or _is_place(given, recorded)):
        return True
    one, other = _as_decimal(given), _as_decimal(recorded)
    if one is None or other is None:
        return False
    return one == other or (isinstance(recorded, float) and float(one) == recorded)


def _is_place(given: str, recorded: str) -> bool:
    """Whether a path that is recorded in full may be the one that was given: of that no more than its end is known."""
    kind, path = apart(given)
    if apart(recorded)[0] != kind:
        return False
    parts = [part for part in PurePath(path).parts if not part.startswith("~")]
    whole_path = PurePath(apart(recorded)[1])
    return whole_path.is_absolute() and list(whole_path.parts)[len(whole_path.parts) - len(parts) :] == parts


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
