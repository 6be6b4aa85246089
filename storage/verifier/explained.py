"""What a check looks at, in the words of the function that decides it; what it can say; and where it stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from storage.check import VERDICTS
from storage.verifier.checks import CHECKS
from storage.verifier.vouching.ssh_signature import Unusable
from storage.verifier.vouching.vouching import VOUCHING

DECIDING: dict[str, Callable[..., str]] = {**CHECKS, **VOUCHING}
"""The function of each check, in the order in which they are told."""

ALWAYS_POSSIBLE = frozenset({"ok", "failed", "unchecked"})
"""Of any check: it fails on what no program writes, and is unchecked where a file cannot be read (`concluded`)."""

MEANINGS = {
    "ok": "what was looked at agrees",
    "failed": "something is not as it was written, or does not follow from the rest",
    "unchecked": "it is newer than this program, was made by a rule since found wrong, or could not be read",
    "unknown": "what is here agrees, and something that the verdict needs is not here",
    "withheld": "what is here agrees, and the bundle says that the rest was left out on purpose",
}


def explanation(name: str) -> str:
    """A check in words.

    Raises:
        Unusable: there is no check of that name.
    """
    if name not in DECIDING:
        raise Unusable(f"--explain: there is no check {name!r}; the checks are {', '.join(DECIDING)}")
    function = inspect.unwrap(DECIDING[name])
    said = (inspect.getdoc(function) or "(Python was started with -OO, without the words)").partition("\n\nArgs:")[0]
    possible = verdicts_of(function)
    can_say = [f"  {verdict:<9}  {MEANINGS[verdict]}" for verdict in VERDICTS if verdict in possible]
    code = function.__code__
    place = f"{function.__name__}, {Path(code.co_filename).name}, line {code.co_firstlineno}"
    return "\n".join([f"{name}: {said}", "", *can_say, "", f"Decided by {place}, and what it calls."])


def verdicts_of(function: Callable[..., Any]) -> set[str]:
    """The verdicts that a check can come to: those that are named by the functions and classes within its reach."""
    found, seen, waiting = set(ALWAYS_POSSIBLE), set(), [inspect.unwrap(function)]
    while waiting:
        reached = waiting.pop()
        if reached in seen:
            continue
        seen.add(reached)
        for code in _codes(reached.__code__):
            found |= {text for text in code.co_consts if isinstance(text, str) and text in VERDICTS}
            for named in (reached.__globals__.get(name) for name in code.co_names):
                inner = list(vars(named).values()) if inspect.isclass(named) else [named]
                waiting += [inspect.unwrap(one) for one in inner if inspect.isfunction(one) and _is_ours(one)]
    return found


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.partition(".")[0] in ("core", "storage", explanation.__module__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The instructions of a function, and those of the functions within it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
