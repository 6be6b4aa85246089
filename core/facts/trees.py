"""Merkle trees (RFC 6962, section 2.1): one hash for a list, against which an entry can be shown without the others."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.canonical import canonical_text


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


class Tree:
    """A tree that grows by one entry at a time. It holds the roots of its full subtrees, from left to right."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self._full: list[tuple[int, bytes]] = []
        for entry in entries:
            self.append(entry)

    def append(self, entry: bytes) -> None:
        """Adds an entry at the right; two full subtrees of one size become one."""
        size, node = 1, leaf_hash(entry)
        while self._full and self._full[-1][0] == size:
            node = _node_hash(self._full.pop()[1], node)
            size *= 2
        self._full.append((size, node))

    @property
    def root(self) -> str:
        """The hash of the whole tree, 64 hex digits; of no entry it is that of no bytes."""
        if not self._full:
            return hashlib.sha256(b"").hexdigest()
        node = self._full[-1][1]
        for _, left in reversed(self._full[:-1]):
            node = _node_hash(left, node)
        return node.hex()


def root_of_rows(key: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """The root over rows about people, each with the pseudonym as its "rater_id".

    An entry is a salt of 32 bytes, HMAC-SHA256(key, pseudonym), and the row as canonical JSON: with its salt one row
    can be shown and checked, and without it nobody can tell a row by trying.

    Args:
        key: that of the salts, in hex.
    """
    return Tree(
        hmac.new(bytes.fromhex(key), row["rater_id"].encode(), hashlib.sha256).digest() + canonical_text(row).encode()
        for row in rows
    ).root


def _node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()
