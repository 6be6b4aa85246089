"""Which texts can be used, and one copy of each in memory."""

from __future__ import annotations

from collections import Counter

PLACEHOLDER = "EMPTY STRING"
"""What PRISM writes where a person or a model gave no text."""


def is_placeholder(text: str | None) -> bool:
    """Whether a text stands for no text: null, blank, or "EMPTY STRING"."""
    return text is None or not (stripped := text.strip()) or stripped.upper() == PLACEHOLDER


def without_lone_surrogates(text: str) -> str:
    """The text with halves of characters, which no tokenizer and no UTF-8 file takes, as U+FFFD."""
    # UTF-16 joins the halves that belong together and leaves the lone ones as errors.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class CleanTexts:
    """Cleans texts and keeps one copy of each; PRISM tells every response twice, in two of its files.

    strip: whether white space at both ends of a text is taken off.
    """

    def __init__(self, tally: Counter[str], strip: bool = False) -> None:
        self._known: dict[str, str] = {}
        self._tally = tally
        self._strip = strip

    def usable(self, text: str | None) -> str | None:
        """The text, or None for a placeholder.

        Lone surrogates become U+FFFD. That, and white space taken off, is counted once for every distinct text.
        """
        if text is None or is_placeholder(text):
            return None
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._stripped(self._repaired(text))
        return known

    def _stripped(self, text: str) -> str:
        stripped = text.strip() if self._strip else text
        self._tally["texts_stripped"] += stripped != text
        return stripped

    def _repaired(self, text: str) -> str:
        if text.isascii():
            return text
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            self._tally["texts_lone_surrogates_replaced"] += 1
            return without_lone_surrogates(text)
        return text
