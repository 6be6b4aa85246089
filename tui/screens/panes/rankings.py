"""The tab of judging: all judge calls in one list, and the question, clause and answers of one of them."""

from __future__ import annotations

import json
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container as Box
from textual.containers import VerticalScroll

from core.visible import LIMIT, clipped, one_line
from storage.record.lists.call_lists import CallOrder, calls_listed, filters_of
from storage.record.lists.call_pages import (
    Answer,
    AskedRow,
    CallIndex,
    CallRow,
    ReplyRow,
    answers_at,
    asked,
    call_index,
    calls_at,
    reply_of,
)
from storage.record.lists.searches import calls_holding
from storage.record.reader import Reader
from storage.withheld import copy_without
from tui.screens.copying import Copyable
from tui.screens.panes.list_pane import ListPane
from tui.screens.panes.pane import skipped
from tui.widgets.figures import left, right, whole
from tui.widgets.lists.columns import Cells
from tui.widgets.lists.long_list import LongList
from tui.widgets.status import status
from tui.widgets.words import Words

_HEADINGS = ["question", ">clause", "judge", "outcome", "ranking, best first"]

_HINT = "   / search  f filter  o sort"

_NO_ANSWER = Answer("", "(not recorded)", None, None, "not recorded")


@dataclass(frozen=True)
class CallList:
    """The numbers of the calls that are listed, of all of the index."""

    index: CallIndex
    only: str
    order: CallOrder | None
    numbers: Sequence[int]


@dataclass(frozen=True)
class CallRequest:
    """A call by its number (None: the first), a filter and an order. `held` is the list shown before, of which nothing
    is read again."""

    call: int | None = None
    only: str = ""
    order: CallOrder | None = None
    held: CallList | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class CallsPage:
    """Which calls are listed, and everything about the chosen one."""

    listed: CallList
    call: CallRow | None
    question: AskedRow | None
    answers: dict[str, Answer]
    reply: ReplyRow | None
    absent: str
    """What stands in place of a text that the record names and does not hold."""
    skipped: str

    @property
    def index(self) -> CallIndex:
        return self.listed.index


class RankingsPane(ListPane):
    """A list of all calls; beside or beneath it the question and the answers, best first."""

    key = "rankings"

    def __init__(self) -> None:
        self._calls = LongList(id="calls")
        super().__init__(self._calls)
        self._calls.filter_heading = "Only calls of a judge, an outcome, a clause or a question"
        self._calls.filter_hint = "as refused, clause 12 or a question's id (→ takes the suggestion); "
        self._found: CallsPage | None = None
        self._note, self._call = Words(id="calls-note"), Words(id="call")
        self._scroll = VerticalScroll(self._call, id="call-scroll")
        self.parts = (self._note, Box(self._calls, self._scroll, classes="split"))

    @classmethod
    def read(cls, reader: Reader, request: Any) -> CallsPage:
        wanted: CallRequest = request or CallRequest()
        listed = _listed(reader, wanted)
        index, numbers = listed.index, listed.numbers
        chosen = wanted.call if wanted.call in numbers else next(iter(numbers), None)
        call = next(iter(calls_at(reader, [] if chosen is None else [chosen])), None)
        if call is None:
            return CallsPage(listed, None, None, {}, None, "", skipped(reader, "judge"))
        return CallsPage(
            listed=listed,
            call=call,
            question=asked(reader, call.question_id, LIMIT),
            answers=answers_at(reader, index.answers.get(call.question_id, ()), LIMIT),
            reply=reply_of(reader, call, LIMIT),
            absent=f"({copy_without(reader.folder.root, 'the text')})",
            skipped="",
        )

    def twin(self, run: str) -> tuple[str, ...]:
        return ("show", run, "--view", "judge_calls")

    def copyable(self) -> tuple[Copyable, ...]:
        """The call that is shown, with all its texts."""
        if self._found is None or self._found.call is None:
            return ()
        return (Copyable("value", call_text(self._found).plain),)

    @classmethod
    def read_rows(cls, reader: Reader, keys: Sequence[Any]) -> Mapping[Hashable, CallRow]:
        return {call.seq: call for call in calls_at(reader, keys)}

    @classmethod
    def holding(cls, reader: Reader, found: CallsPage, text: str) -> Container[Hashable]:
        return calls_holding(reader, found.index, text)

    @property
    def found(self) -> CallsPage | None:
        return self._found

    def show(self, found: CallsPage) -> None:
        before, self._found = self._found, found
        self.request = replace(self.request, held=found.listed) if isinstance(self.request, CallRequest) else None
        if before is None or before.index is not found.index:
            self._calls.suggestions = filters_of(found.index)
        self._note.say(found.skipped or self._hinted(_note(found.listed, self._calls.said)))
        self._calls.index(_HEADINGS, found.listed.numbers)
        if before is not None and before.listed.only != found.listed.only:
            self._calls.go_to(0)
        if before is None or before.call != found.call:
            self._scroll.scroll_home(animate=False)
        self._call.say(call_text(found))

    def _hinted(self, note: str) -> str:
        """With the keys of the list, where there is room for them."""
        return note + _HINT if len(note + _HINT) < self.app.size.width - 2 and self._calls.keys else note

    def cells(self, row: CallRow) -> Cells:
        return _cells(row, self._found.index.clauses.get(row.question_id) if self._found else None)

    @on(LongList.Moved)
    def choose(self) -> None:
        """Reads the call under the cursor."""
        self._ask_for(self._calls.chosen)

    @on(LongList.Rearranged)
    def rearrange(self) -> None:
        """Reads which calls are listed now."""
        self._ask_for(self._calls.chosen)

    def _ask_for(self, call: Hashable | None) -> None:
        if self._found is not None:
            order = self._calls.order
            named = (order.column.partition(",")[0], order.descending) if order else None
            number = call if isinstance(call, int) else None
            self.ask(CallRequest(number, self._calls.only, named, self._found.listed))


def _listed(reader: Reader, wanted: CallRequest) -> CallList:
    held = wanted.held
    index = call_index(reader, reader.head()[0], held.index if held else None)
    if held is not None and held.index is index and (held.only, held.order) == (wanted.only, wanted.order):
        return held
    return CallList(index, wanted.only, wanted.order, calls_listed(reader, index, wanted.only, wanted.order))


def _note(listed: CallList, said: str) -> str:
    total = len(listed.index.calls)
    if not total:
        return "no judge call is recorded yet"
    counts = " · ".join(f"{whole(count)} {one_line(name, 12)}" for name, count in sorted(listed.index.outcomes.items()))
    if not said:
        return f"{whole(total)} judge calls: {counts}"
    if not listed.numbers:
        return f"none of {whole(total)} judge calls is of {one_line(listed.only, 60)!r}; f and an empty line: all"
    return f"{whole(len(listed.numbers))} of {whole(total)} judge calls, {one_line(said, 120)}"


def _cells(call: CallRow, clause: Any) -> list[Text]:
    return [
        left(call.question_id, 14),
        right(whole(clause)),
        left(call.judge, 18),
        status(one_line(str(call.outcome), 12)),
        left(" › ".join(call.order) or call.detail or "", 80),
    ]


def call_text(found: CallsPage) -> Text:
    """Clause, question, and each condition's answer in the order of the ranking.

    Where there is no ranking, the judge's reply comes first, and the answers in the order that it saw.
    """
    text = Text(overflow="fold")
    call = found.call
    if call is None:
        return text
    text.append(f"{one_line(str(call.question_id), 40)} · {one_line(str(call.judge), 40)} · ", style="bold")
    text.append(status(one_line(str(call.outcome), 12)))
    text.append(f" · {_count(call.attempts, 'attempt')}")
    if call.prompt_tokens is not None:
        text.append(f" · {whole(call.prompt_tokens)} + {whole(call.completion_tokens)} tokens")
    ranked = call.order
    if ranked:
        text.append(f"\n{' › '.join(one_line(name, 40) for name in ranked)}", style="bold")
    if call.detail:
        text.append(f"\n{clipped(str(call.detail))}", style="warning")
    if found.question is not None:
        question, title = found.question, f"Clause {whole(found.index.clauses.get(call.question_id))}"
        _titled(text, title, _body(question.clause, found), question.clause_length)
        _titled(text, "Question", _body(question.question, found), question.question_length)
    if not ranked:
        _reply(text, found)
    shown = [str(name) for name in json.loads(call.shown_order or "[]")]
    for place, name in enumerate(dict.fromkeys([*(ranked or shown), *found.answers]), start=1):
        answer = found.answers.get(name, _NO_ANSWER)
        title = f"{place}. {one_line(name, 40)}" if name in ranked else one_line(name, 40)
        seen = f"shown {shown.index(name) + 1} of {len(shown)}" if name in shown else "not shown"
        tokens = "" if answer.tokens is None else _count(answer.tokens, "token")
        note = ", ".join(filter(None, [seen, tokens, answer.finish and str(answer.finish)]))
        _titled(text, title, _body(answer.answer, found), answer.length, note)
    if ranked:
        _reply(text, found)
    return text


def _reply(text: Text, found: CallsPage) -> None:
    if found.reply is not None:
        _titled(text, "Reply of the judge, raw", _body(found.reply.text, found), found.reply.length)


def _body(text: Any, found: CallsPage) -> str:
    """A text as recorded; "(empty)" is one without any letter, and not one that this copy does not hold."""
    if text is None:
        return found.absent
    return str(text) if str(text).strip() else "(empty)"


def _titled(text: Text, title: str, body: str, length: Any, note: str = "") -> None:
    text.append(f"\n\n{title}", style="bold")
    if note:
        text.append(f"  ({one_line(note, 80)})", style="muted")
    text.append(f"\n{clipped(body, length if isinstance(length, int) else None)}")


def _count(number: Any, word: str) -> str:
    return f"{whole(number)} {word}{'' if number == 1 else 's'}"
