"""What a file of rankings holds beside them: the answers, and the order in which a judge saw them.

- `shown`, beside `ranking`: the conditions in the order in which the judge saw their answers.
- `responses`: the text of each condition's answer, by its name.
- Of the published files, in which a row holds `rankings` of several judges, one entry a ranking: `judge_orders` or
  `order` (conditions as shown), `judge_label_to_model` (the condition behind each label), or `judge_raw` (the judge's
  reply as labels, best first; A was shown first). What is no order of the conditions says nothing about it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from core.errors import InputError
from core.facts.ranking.lengths import words_in
from core.ranking.files import body_of
from core.types import Judged, Ranking

_Order = tuple[str, ...]


@dataclass(frozen=True)
class FileExtras:
    """Rankings with what is known beside them; notes say what had to be left out."""

    judged: Judged
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Beside:
    """Shown orders by question and judge, as often as a judge ranks a question; texts by condition and question."""

    shown: dict[tuple[str, str], list[_Order]] = field(default_factory=lambda: defaultdict(list))
    texts: dict[tuple[str, str], str] = field(default_factory=dict)


def with_extras(path: Path, rankings: Sequence[Ranking]) -> FileExtras:
    """The rankings of a file, or some of them, with what the file holds beside them.

    Args:
        path: a file that the rankings were read from; of a form without these keys nothing is known.

    Raises:
        InputError: it cannot be read, or `shown` holds other conditions than the ranking.
    """
    beside = _Beside()
    for line, row in _objects(body_of(path).decode("utf-8-sig", "replace")):
        _add(row, beside, f"{path}, line {line}")
    taken = {key: iter(orders) for key, orders in beside.shown.items()}
    shown = tuple(_among(next(taken.get((one.question_id, one.judge), iter(())), ()), one) for one in rankings)
    answers = {(condition, one.question_id) for one in rankings for condition in one.order}
    missing = len(answers - beside.texts.keys())
    texts = {} if missing else {answer: beside.texts[answer] for answer in answers}
    left_out = (
        f"lengths of answers are left out: {missing:,} of {len(answers):,} ranked answers are not in 'responses'",
    )
    return FileExtras(
        Judged(
            rankings=tuple(rankings),
            shown=shown,
            lengths={answer: len(text) for answer, text in texts.items()},
            calls=len(rankings),
            words={answer: words_in(text) for answer, text in texts.items()},
        ),
        left_out if missing and beside.texts else (),
    )


def _objects(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every JSON object with its line, one a line or in one array; whatever else stands there was looked at before."""
    lines = [text] if text.lstrip().startswith("[") else text.split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        yield from ((number, x) for x in (found if isinstance(found, list) else [found]) if isinstance(x, dict))


def _add(row: Mapping[str, Any], beside: _Beside, where: str) -> None:
    question = str(row.get("question_id", row.get("question", "")))
    responses = row.get("responses")
    for condition, text in responses.items() if isinstance(responses, dict) else ():
        if isinstance(text, str):
            beside.texts.setdefault((condition, question), text)
    if "ranking" in row:
        beside.shown[question, str(row.get("judge"))].append(_own_order(row, where))
    elif isinstance(row.get("rankings"), list):
        judge = str(row.get("judge", "judge"))
        for k, ranking in enumerate(row["rankings"]):
            beside.shown[question, f"{judge}#{k}"].append(_published_order(row, k, ranking))


def _own_order(row: Mapping[str, Any], where: str) -> _Order:
    """What `shown` says.

    Raises:
        InputError: it is no order of what is ranked.
    """
    if row.get("shown") is None:
        return ()
    found = _order_of(row["shown"], row["ranking"])
    if not found:
        raise InputError(f"{where}: 'shown' holds other conditions than 'ranking'; name the same ones")
    return found


def _published_order(row: Mapping[str, Any], k: int, ranking: Any) -> _Order:
    """The first of the published keys that gives an order of ranking k."""
    for key in ("judge_orders", "order", "judge_label_to_model"):
        entries = row.get(key)
        entry = entries[k] if isinstance(entries, list) and k < len(entries) else None
        if isinstance(entry, dict):
            entry = [entry[label] for label in sorted(entry)]
        if found := _order_of(entry, ranking):
            return found
    replies = row.get("judge_raw")
    return _behind_labels(replies[k], ranking) if isinstance(replies, list) and k < len(replies) else ()


def _behind_labels(reply: Any, ranking: Any) -> _Order:
    """The conditions as they were shown, A first, from a reply that orders their labels as the ranking orders them."""
    try:
        labels = (json.loads(reply) if isinstance(reply, str) else reply)["ranking"]
        place = dict(zip(labels, ranking, strict=True))
    except (TypeError, ValueError, LookupError, RecursionError):
        return ()
    wanted = ascii_uppercase[: len(ranking)]
    return tuple(place[label] for label in wanted) if place.keys() == set(wanted) else ()


def _order_of(value: Any, ranking: Any) -> _Order:
    """The value, where it is an order of what the ranking orders."""
    if not isinstance(value, list) or not isinstance(ranking, list) or not all(isinstance(x, str) for x in value):
        return ()
    return tuple(value) if sorted(value) == sorted(map(str, ranking)) else ()


def _among(shown: _Order, ranking: Ranking) -> _Order:
    """The order of those that are ranked; nothing where not all of them are there."""
    wanted = set(ranking.order)
    found = tuple(condition for condition in shown if condition in wanted)
    return found if len(found) == len(wanted) else ()
