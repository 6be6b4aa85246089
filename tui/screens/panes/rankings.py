"""The tab of judging: judge calls page by page, and the question, clause and answers of one of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from rich.text import Text
from textual import on
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable

from core.visible import LIMIT, clipped, one_line
from storage.record.call_pages import (
    Answer,
    AskedRow,
    CallIndex,
    CallName,
    CallRow,
    ReplyRow,
    answers_at,
    asked,
    call_index,
    calls_at,
    reply_of,
)
from storage.record.reader import Reader
from storage.withheld import copy_without
from tui.screens.copying import Copyable
from tui.screens.panes.pane import Pane, skipped
from tui.widgets.figures import left, right, whole
from tui.widgets.grid import Grid
from tui.widgets.status import status
from tui.widgets.words import Words

PAGE = 100

_NO_ANSWER = Answer("", "(not recorded)", None, None, "not recorded")


@dataclass(frozen=True)
class CallPage:
    """One page of judge calls, and where all of them stand."""

    index: CallIndex
    number: int
    calls: list[CallRow]

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.index.calls) // PAGE))


@dataclass(frozen=True)
class CallRequest:
    """A page and a call on it (None: the first). `held` is the page shown before, of which nothing is read again."""

    page: int = 0
    call: CallName | None = None
    held: CallPage | None = field(default=None, compare=False)


@dataclass(frozen=True)
class CallsPage:
    """The page and everything about the chosen call."""

    page: CallPage
    call: CallRow | None
    question: AskedRow | None
    answers: dict[str, Answer]
    reply: ReplyRow | None
    absent: str
    """What stands in place of a text that the record names and does not hold."""
    skipped: str


class RankingsPane(Pane):
    """A list of calls; beside or beneath it the question and the answers, best first."""

    key = "rankings"
    turns = True

    def __init__(self) -> None:
        super().__init__()
        self.request: CallRequest = CallRequest()
        self._found: CallsPage | None = None
        self._note, self._calls = Words(id="calls-note"), Grid(id="calls")
        self._call = Words(id="call")
        self._scroll = VerticalScroll(self._call, id="call-scroll")
        self.parts = (self._note, Container(self._calls, self._scroll, classes="split"))

    @classmethod
    def read(cls, reader: Reader, request: Any) -> CallsPage:
        wanted: CallRequest = request or CallRequest()
        seq = reader.head()[0]
        page = _read_page(reader, wanted.page, seq, wanted.held)
        call = next((c for c in page.calls if c.name == wanted.call), page.calls[0] if page.calls else None)
        if call is None:
            return CallsPage(page, None, None, {}, None, "", skipped(reader, "judge"))
        return CallsPage(
            page=page,
            call=call,
            question=asked(reader, call.question_id, LIMIT),
            answers=answers_at(reader, page.index.answers.get(call.question_id, ()), LIMIT),
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

    def show(self, found: CallsPage) -> None:
        before, self._found = self._found, found
        page = found.page
        self.request = replace(self.request, held=page)
        self._note.say(found.skipped or _note(page))
        headings = ["question", ">clause", "judge", "outcome", "ranking, best first"]
        clauses = page.index.clauses
        rows = [(call.name, _cells(call, clauses.get(call.question_id))) for call in page.calls]
        self._calls.fill(headings, rows)
        if before is None or before.page.number != page.number:
            self._calls.move_cursor(row=0, animate=False)
        if before is None or before.call != found.call:
            self._scroll.scroll_home(animate=False)
        self._call.say(call_text(found))

    @on(DataTable.RowHighlighted, "#calls")
    def choose(self) -> None:
        """Reads the call under the cursor."""
        chosen = self._calls.chosen
        if self._found is not None and isinstance(chosen, tuple) and self._found.call is not None:
            number = self._found.page.number
            if chosen != self._found.call.name:
                self.ask(CallRequest(number, (str(chosen[0]), str(chosen[1])), self._found.page))

    def turn(self, by: int) -> None:
        if self._found is not None:
            page = self._found.page
            self.ask(CallRequest(min(max(page.number + by, 0), page.pages - 1), held=page))


def _read_page(reader: Reader, number: int, seq: int, held: CallPage | None) -> CallPage:
    index = call_index(reader, seq, held.index if held else None)
    if held is not None and (held.index.seq, held.number) == (seq, number):
        return held
    return CallPage(index, number, calls_at(reader, index.calls[number * PAGE : (number + 1) * PAGE]))


def _note(page: CallPage) -> str:
    total = len(page.index.calls)
    if not total:
        return "no judge call is recorded yet"
    first = page.number * PAGE
    shown = f"{whole(first + 1)}–{whole(first + len(page.calls))} of {whole(total)}" if page.pages > 1 else whole(total)
    counts = " · ".join(f"{whole(count)} {one_line(name, 12)}" for name, count in sorted(page.index.outcomes.items()))
    return f"{shown} judge calls: {counts}"


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
        question, title = found.question, f"Clause {whole(found.page.index.clauses.get(call.question_id))}"
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
