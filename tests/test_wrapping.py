"""Tables on a terminal fit it, break at words and stay aligned; into a file or a pipe the last column is whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.terminal.tables import table
from tui.terminal.wrapping import fitted, wrapped

SENTENCE = "only --key can say whose key this is, and a head that was kept elsewhere shows more; " * 5
ROWS = [
    {"check": "signatures", "verdict": "unknown", "detail": SENTENCE.strip(), "n": 1},
    {"check": "署名", "verdict": "ok", "detail": "short", "n": 20},
]
COLUMNS = {"check": "check", "verdict": "verdict", "detail": "what was found"}


def test_on_a_terminal_the_last_column_is_wrapped_at_words_under_its_own_heading() -> None:
    lines = table(ROWS, COLUMNS, room=80).splitlines()
    at = lines[0].index("what was found")
    assert all(cell_len(line) <= 80 for line in lines)
    told = [line for line in lines[1:] if line.startswith((" ", "signatures"))]
    assert " ".join(line[at:] for line in told) == SENTENCE.strip()
    assert all(not line[:at].strip() for line in told[1:])


def test_into_a_pipe_the_last_column_is_printed_whole_and_others_are_cut() -> None:
    assert len(SENTENCE) > 400
    assert table(ROWS, COLUMNS).splitlines()[1].endswith(SENTENCE.strip())
    middle = table(ROWS, COLUMNS | {"n": "n"}).splitlines()[1]
    assert "…" in middle
    assert len(middle) < 260


def test_columns_of_wide_characters_stay_aligned() -> None:
    for room in (None, 60):
        lines = table(ROWS, COLUMNS, room=room).splitlines()
        starts = [lines[1].index("unknown"), cell_len(lines[-1][: lines[-1].index("ok")])]
        assert starts[0] == starts[1] == lines[0].index("verdict")


def test_the_widest_columns_give_way_first() -> None:
    assert fitted([10, 90, 30, 8], [True, True, True, False], 100) == [10, 46, 30, 8]
    assert fitted([10, 90, 60, 8], [True, True, True, False], 100) == [10, 38, 38, 8]
    assert fitted([10, 90], [False, True], 20) == [10, 20], "a column keeps some room on the narrowest terminal"


@given(st.text(st.characters(exclude_categories=["C", "M", "Z"], include_characters=" 木")), st.integers(2, 30))
def test_nothing_is_lost_by_wrapping_and_every_line_fits(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
