"""Trees over entries: the roots that Certificate Transparency's own tests expect, and what makes two roots differ."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts.trees import Tree, leaf_hash
from storage.record.reader import Reader
from storage.verifier.vouching.kept import roots_after

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first so many of them: the reference vectors of certificate-transparency-go."""


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert Tree(map(bytes.fromhex, ENTRIES[:size])).root == ROOTS[size]


def as_in_the_rfc(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962 as it is written there, from the top."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + as_in_the_rfc(entries[:k]) + as_in_the_rfc(entries[k:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_a_tree_that_grows_is_the_tree_of_the_rfc(entries: list[bytes]) -> None:
    assert Tree(entries).root == as_in_the_rfc(entries).hex()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20), st.sets(st.integers(0, 25)))
def test_roots_at_places_are_those_of_the_trees_so_far(hashes: list[bytes], places: set[int]) -> None:
    wanted = {n: as_in_the_rfc(hashes[:n]).hex() for n in places if 1 <= n <= len(hashes)}
    assert roots_after([h.hex() for h in hashes], places) == wanted


def recorded(root: Path, kind: str, **wanted: str) -> dict[str, Any]:
    """The last event of a kind with these fields, its sealed parts opened."""
    events = Reader(root).recorded("SELECT e.kind, e.payload FROM events AS e WHERE e.kind = ? ORDER BY seq", [kind])
    return [json.loads(json.dumps(v)) for _, _, v in events if all(v.get(k) == x for k, x in wanted.items())][-1]


def entry(key: str, row: dict[str, Any]) -> bytes:
    salt = hmac.new(bytes.fromhex(key), row["rater_id"].encode(), hashlib.sha256).digest()
    return salt + json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_root_of_a_draw_is_over_what_its_views_say_of_each_person(trained: Path) -> None:
    reader = Reader(trained)
    people = {row["rater_id"]: json.loads(row["attributes"]) for row in reader.view("raters")}
    for draw in reader.query("SELECT draw, lottery FROM draws WHERE outcome = 'accepted'"):
        made = recorded(trained, "draw.made", draw=draw["draw"])
        chances = reader.query("SELECT rater_id, pi FROM inclusion_probabilities WHERE lottery = ?", [draw["lottery"]])
        pi = {row["rater_id"]: row["pi"] for row in chances}
        rows = [
            {"rater_id": name, "attributes": people[name], "pi": pi[name], "drawn": name in made["members"]}
            for name in sorted(people)
        ]
        assert as_in_the_rfc([entry(made["leaf_key"], row) for row in rows]).hex() == made["root"]


def test_the_root_of_a_condition_is_over_its_weights(trained: Path) -> None:
    for name in ("full", "soft"):
        planned = recorded(trained, "condition.planned", condition=name)
        rows = [dict(row, weight=float(row["weight"])) for row in planned["weights"]]
        whole = [row | {"weight": int(row["weight"])} if row["weight"].is_integer() else row for row in rows]
        assert as_in_the_rfc([entry(planned["leaf_key"], row) for row in whole]).hex() == planned["root"]
