"""The form of payloads: RFC 8785 as the package rfc8785 writes it, and no other text is taken for it."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from core.facts.canonical import LARGEST_INTEGER, canonical_text
from storage.verifier.ground.payloads import is_canonical, whole_number

doubles = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack(">d", bits.to_bytes(8, "big"))[0])
"""Of every magnitude, by their bits; with NaN and the infinities."""

numbers = st.one_of(
    st.integers(-LARGEST_INTEGER, LARGEST_INTEGER),
    st.floats(allow_nan=False, allow_infinity=False),
    doubles.filter(lambda number: abs(number) < float("inf")),
)
texts = st.text(st.characters())  # every code point, lone surrogates among them
whole_texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, whole_texts),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(whole_texts, inner, max_size=4),
    max_leaves=20,
)


def holds(text: str) -> bool:
    """Whether a text is canonical, read as the verifier reads a payload, and more leniently."""
    return is_canonical(text, json.loads(text, parse_int=whole_number, strict=False))


@given(values)
@example({"\U0001f600": 1, "\ufb33": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "\u00f6": 7})
@example(
    [1e-7, 1e-6, 0.00001234, 1e16, 1e20, 1e21, 1.5e21, -0.0, 0.1, 5e-324, 1.7976931348623157e308, 9007199254740993.0]
)
def test_it_writes_what_the_package_writes_and_knows_it_again(value: Any) -> None:
    text = rfc8785.dumps(value).decode()
    assert canonical_text(value) == text
    assert holds(text)


@given(numbers)
def test_numbers_of_every_magnitude(number: float) -> None:
    text = canonical_text(number)
    assert text == rfc8785.dumps(number).decode()
    assert float(text) == number
    assert holds(text)


@given(texts, st.booleans())
def test_texts_with_everything(text: str, as_key: bool) -> None:
    value = {text: 1} if as_key else [text]
    try:
        expected = rfc8785.dumps(value).decode()
    except ValueError:
        with pytest.raises(ValueError, match="surrogates"):
            canonical_text(value)
        assert not holds(json.dumps(value, separators=(",", ":")))
    else:
        assert canonical_text(value) == expected


@given(values)
def test_no_other_text_of_the_same_value_is_canonical(value: Any) -> None:
    text = canonical_text(value)
    for other in (json.dumps(value), json.dumps(value, indent=1), json.dumps(value, separators=(",", ":"))):
        assert holds(other) == (other == text)


@pytest.mark.parametrize(
    "text",
    [
        '{"\\u0061":1}', '{"a":"\\u0062"}', '{"a":"\\/"}', '{"a":"\\u000a"}', '{"a":"\\u001F"}', '{"a":"\u001f"}',
        '{"a": 1}', ' {"a":1}', '{"a":1}\n', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"\ufb33":1,"\U0001f600":2}',
        "[-0]", "[-0.0]", "[0.0]", "[1.0]", "[1E0]", "[1e0]", "[1e-07]", "[1e-5]", "[1e+16]", "[0.10]", "[1e21]",
        "[0.30000000000000001]", "[9007199254740993]", "[1e400]", "[NaN]", '["\\ud800"]',
        f"[{2**60}]", f"[{10**400}]",
    ],
)  # fmt: skip
def test_what_reads_like_a_payload_and_is_none(text: str) -> None:
    assert not holds(text)


def test_a_large_double_may_be_written_out_and_a_large_integer_is_refused() -> None:
    assert canonical_text(1e20) == "100000000000000000000"
    assert holds("[100000000000000000000]")
    for value in (2**53, -(2**53), 10**400, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="beyond|no number|digits"):
            canonical_text({"a": value})
