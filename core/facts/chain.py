"""The hash chain: what binds each event to the one before it. Writer and verifiers share it."""

from __future__ import annotations

import hashlib

CHAIN_DOMAIN = "dempo-audit-1"
"""Separates this chain from every other use of SHA-256."""

SHA256_HEX = "[0-9a-f]{64}"
"""How a hash is written, as a regular expression."""

NO_EVENT = "0" * 64
"""`prev` of the first event, and the head of a record that holds none."""


def link_hash(prev: str, seq: int, at: str, stage: str, kind: str, payload: str) -> str:
    """SHA-256(domain ‖ prev ‖ seq ‖ at ‖ stage ‖ kind ‖ payload), each field after its length as 8 bytes."""
    parts = [
        part.encode("utf-8", "surrogateescape") for part in (CHAIN_DOMAIN, prev, str(seq), at, stage, kind, payload)
    ]
    return hashlib.sha256(b"".join([len(part).to_bytes(8, "big") + part for part in parts])).hexdigest()
