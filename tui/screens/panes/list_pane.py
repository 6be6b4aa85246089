"""Tabs with a list of which the record alone knows all rows: rows in sight are read, and texts found, in threads."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textual import on, work
from textual.message import Message

from core.visible import visible
from storage.errors import StorageError, sentences
from storage.record.reader import Reader
from tui.screens.panes.pane import UNSHOWABLE, Pane
from tui.widgets.lists.columns import Cells
from tui.widgets.lists.long_list import LongList


@dataclass
class RowsRead(Message):
    """Rows that were in sight were read; `error` is a sentence where they could not be."""

    keys: Sequence[Hashable]
    rows: Mapping[Hashable, Any] = field(default_factory=dict)
    error: str = ""


@dataclass
class TextFound(Message):
    """The keys of the rows that hold a text."""

    text: str
    keys: Container[Hashable] = ()
    error: str = ""


class ListPane(Pane):
    """`read` says which rows there are; here is read what they show.

    Rows are named by numbers of events, which never change, so that what was read once stays right as of any event.
    """

    def __init__(self, listed: LongList) -> None:
        super().__init__()
        self.listed: LongList = listed

    @classmethod
    def read_rows(cls, reader: Reader, keys: Sequence[Any]) -> Mapping[Hashable, Any]:
        """The rows of these keys, those that there are. Runs in a thread."""
        raise NotImplementedError

    @classmethod
    def holding(cls, reader: Reader, found: Any, text: str) -> Container[Hashable]:
        """The keys of the rows that hold a text; `found` is what the tab shows. Runs in a thread."""
        raise NotImplementedError

    def cells(self, row: Any) -> Cells:
        """What the list shows of a row."""
        raise NotImplementedError

    @property
    def found(self) -> Any:
        """What the tab shows."""
        raise NotImplementedError

    @on(LongList.Wanted)
    def read_wanted(self, message: LongList.Wanted) -> None:
        """Reads what came into sight."""
        self._read_rows(message.keys)

    @work(thread=True, group="rows", description="rows in sight")
    def _read_rows(self, keys: Sequence[Hashable]) -> None:
        try:
            with sentences(self.root):
                self.post_message(RowsRead(keys, self.read_rows(Reader(self.root), keys)))
        except (StorageError, *UNSHOWABLE) as error:
            self.post_message(RowsRead(keys, error=str(error)))

    @on(RowsRead)
    def show_rows(self, message: RowsRead) -> None:
        """Hands the rows to the list; those that cannot be shown stay as they are."""
        self._complain(message.error)
        try:
            rows = {key: self.cells(row) for key, row in message.rows.items()}
        except UNSHOWABLE as error:
            rows = {}
            self._complain(str(error))
        self.listed.give(message.keys, rows)

    @on(LongList.Sought)
    def look_for(self, message: LongList.Sought) -> None:
        """Has the record looked through."""
        if self.found is not None:
            self._look_for(self.found, message.text)

    @work(thread=True, group="text", exclusive=True, description="a text is looked for")
    def _look_for(self, found: Any, text: str) -> None:
        try:
            with sentences(self.root):
                self.post_message(TextFound(text, self.holding(Reader(self.root), found, text)))
        except (StorageError, *UNSHOWABLE) as error:
            self.post_message(TextFound(text, error=str(error)))

    @on(TextFound)
    def go_to_text(self, message: TextFound) -> None:
        """Goes to the next row that holds the text."""
        if message.error:
            self._complain(message.error)
        else:
            self.listed.found(message.text, message.keys)

    def _complain(self, sentence: str) -> None:
        if sentence:
            self.notify(visible(sentence), severity="error", timeout=10, markup=False)
