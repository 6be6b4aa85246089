"""What a check looks at, in the words of the function that decides it; what it can say; and where it stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from storage.check import VERDICTS
from storage.verifier.checks import CHECKS
from storage.verifier.ground.record import KEPT_FIELDS
from storage.verifier.vouching.ssh_signature import Unusable
from storage.verifier.vouching.vouching import VOUCHING

SealedFields = Mapping[str, Mapping[str, tuple[str, ...]]]

DECIDING: dict[str, Callable[..., str]] = {**CHECKS, **VOUCHING}
"""The function of each check, in the order in which they are told."""

ALWAYS_POSSIBLE = frozenset({"ok", "failed", "unchecked"})
"""Of any check: it fails on what no program writes, and is unchecked where a file cannot be read (`concluded`)."""

MEANINGS = {
    "ok": "what was looked at agrees",
    "failed": "something is not as it was written, or does not follow from the rest",
    "unchecked": "it is newer than this program, or could not be read",
    "unknown": "what is here agrees, and something that the verdict needs is not here",
    "withheld": "what is here agrees, and the bundle says that the rest was left out on purpose",
}


def explanation(name: str, sealed: SealedFields) -> str:
    """A check in words.

    Args:
        sealed: the fields of the sealed parts of events, by kind and part.

    Raises:
        Unusable: there is no check of that name.
    """
    if name not in DECIDING:
        raise Unusable(f"--explain: there is no check {name!r}; the checks are {', '.join(DECIDING)}")
    function = inspect.unwrap(DECIDING[name])
    said = (inspect.getdoc(function) or "(Python was started with -OO, without the words)").partition("\n\nArgs:")[0]
    possible = verdicts_of(function, sealed)
    can_say = [f"  {verdict:<9}  {MEANINGS[verdict]}" for verdict in VERDICTS if verdict in possible]
    code = function.__code__
    place = f"{function.__name__}, {Path(code.co_filename).name}, line {code.co_firstlineno}"
    return "\n".join([f"{name}: {said}", "", *can_say, "", f"Decided by {place}, and what it calls."])


def verdicts_of(function: Callable[..., Any], sealed: SealedFields) -> set[str]:
    """The verdicts that a check can come to: those that are named by the functions and classes within its reach, and
    "withheld" where they read a field of a sealed part, which may not be here."""
    codes = [code for reached in _reach(function) for code in _codes(reached.__code__)]
    found = {text for code in codes for text in code.co_consts if isinstance(text, str) and text in VERDICTS}
    words = {word for code in codes for word in _words(code.co_consts)}
    return found | ALWAYS_POSSIBLE | ({"withheld"} if _opens(words, sealed) else set())


def _opens(words: Collection[str], sealed: SealedFields) -> bool:
    """Whether code with these words in it reads a field of a sealed part: it names the kind of event and the field."""
    read = {kind: frozenset(words).intersection(KEPT_FIELDS.get(kind, words)) for kind in sealed if kind in words}
    return any(not read[kind].isdisjoint(fields) for kind in read for fields in sealed[kind].values())


def _reach(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A function, and all functions of this program that it or one of them names."""
    seen, waiting = set(), [inspect.unwrap(function)]
    while waiting:
        reached = waiting.pop()
        if reached in seen:
            continue
        seen.add(reached)
        yield reached
        for code in _codes(reached.__code__):
            for named in (reached.__globals__.get(name) for name in code.co_names):
                inner = list(vars(named).values()) if inspect.isclass(named) else [named]
                waiting += [inspect.unwrap(one) for one in inner if inspect.isfunction(one) and _is_ours(one)]


def _words(constants: Iterable[Any]) -> Iterator[str]:
    """The texts among constants, and in tuples of them."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from _words(constant)


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.partition(".")[0] in ("core", "storage", explanation.__module__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The instructions of a function, and those of the functions within it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
