"""Commitments: what was published must fix the draw, and the standard library alone must say so."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from core.errors import InputError
from core.events import DrawCommitted
from core.facts.chain import NO_EVENT
from core.facts.sortition.draw import COMMITTED_PARTS, draw_key, has_numbered_panels, hashes_of
from core.sortition.draws.commitment import commitment_to, given, panel_by_rule, panel_number
from core.types import Lottery

RUN = "20260101-000000-small"
TERMS = DrawCommitted(
    draw="main",
    round=1,
    lottery="panel",
    hashes=dict.fromkeys(COMMITTED_PARTS, "ab" * 32),
    source="drand round 4512345 (quicknet)",
    rule="hash",
    commitment=NO_EVENT,
)
UNIFORM = Lottery(
    name="even",
    size=1,
    type_sizes=(3,),
    panels=((1,),) * 12,
    numerators=(1,) * 12,
    denominator=12,
    members=tuple((i % 3,) for i in range(12)),
)
EXACT = Lottery("exact", 1, (3,), ((1,),), (2**53,))


def by_hand(terms: DrawCommitted) -> str:
    named = {name: value for name, value in vars(terms).items() if name != "commitment"}
    text = json.dumps({"run": RUN, **named}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@for_all(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_commitment_is_sha256_of_the_terms_as_canonical_json(source: str) -> None:
    terms = TERMS.model_copy(update={"source": source})
    assert commitment_to(terms, RUN) == by_hand(terms)
    assert commitment_to(terms.model_copy(update={"commitment": by_hand(terms)}), RUN) == by_hand(terms)


def test_every_term_changes_the_commitment() -> None:
    changes = {
        "draw": "other",
        "round": 2,
        "lottery": "other",
        "hashes": {**TERMS.hashes, "certificate": "cd" * 32},
        "source": "dice",
        "rule": "number",
    }
    assert {*changes, "commitment"} == vars(TERMS).keys()
    found = {commitment_to(TERMS.model_copy(update={key: value}), RUN) for key, value in changes.items()}
    others = {commitment_to(TERMS, RUN), commitment_to(TERMS, "20260101-000001-small")}
    assert len(found | others) == len(changes) + 2


def test_parts_are_hashed_as_recorded_one_after_the_other() -> None:
    rows = [("pool.built", "{1}"), ("lottery.quotas", "{2}"), ("lottery.types", "{ü}"), ("lottery.panel", "{4}")]
    assert hashes_of(rows) == {
        "pool": hashlib.sha256(b"{1}").hexdigest(),
        "quotas": hashlib.sha256("{2}{ü}".encode()).hexdigest(),
        "lottery": hashlib.sha256(b"{4}").hexdigest(),
        "certificate": hashlib.sha256().hexdigest(),
    }


def test_key_does_not_collide_by_concatenation() -> None:
    message = b"".join(len(x).to_bytes(8, "big") + x for x in (b"dempo-draw-1", b"ab", "ç7".encode()))
    assert draw_key("ab", "ç7") == hashlib.sha256(message).digest()
    assert draw_key("ab", "c") != draw_key("a", "bc")


def test_a_number_is_the_panel_whatever_the_key() -> None:
    for value in ("00", "07", "11"):
        panel, members = panel_by_rule(UNIFORM, (0, 0, 0), "number", bytes(32), value)
        assert (panel, members) == (int(value), UNIFORM.members[int(value)])


@pytest.mark.parametrize("value", ["7", "007", "1 ", "-1", "+1", "0x", "٠٧", "¹²", "1_0", ""])
def test_a_number_is_written_with_all_its_digits(value: str) -> None:
    with pytest.raises(InputError, match="is not a number of 2 digits; the panels are 00 to 11"):
        panel_number(value, 12)


def test_numbers_of_a_thousand_panels_are_000_to_999() -> None:
    assert [panel_number(value, 1000) for value in ("000", "042", "999")] == [0, 42, 999]
    assert panel_number("0", 1) == 0
    with pytest.raises(InputError, match="no panel 12; the panels are 00 to 11"):
        panel_number("12", 12)


def test_only_uniform_lotteries_have_numbered_panels() -> None:
    assert has_numbered_panels(UNIFORM.numerators, UNIFORM.members)
    assert not has_numbered_panels(EXACT.numerators, EXACT.members)
    uneven = Lottery(**{**vars(UNIFORM), "numerators": (2, *(1,) * 11), "denominator": 13})
    assert not has_numbered_panels(uneven.numerators, uneven.members)


def test_texts_are_kept_exactly_or_refused() -> None:
    assert given("  a\x1b[2J\u202e [b] \n", "--source") == "a\x1b[2J\u202e [b]"
    for blank in ("", " \t\r\n"):
        with pytest.raises(InputError, match="--source is empty"):
            given(blank, "--source")
    for lost in ("nul \0", "half \ud83d"):
        with pytest.raises(InputError, match="VALUE holds NUL or bytes that are not UTF-8"):
            given(lost, "VALUE")
