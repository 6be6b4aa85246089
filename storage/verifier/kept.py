"""A head of the chain that somebody kept elsewhere: what no writer of the record can get round.

It may be the five lines that `dempo head` prints (`dempo-head-1`, run, genesis, seq, hash, whatever follows them),
the same as the field "text" of a JSON file, or just "<seq> <hash>".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from storage.check import Check
from storage.verifier.finding import Step, broken, concluded
from storage.verifier.record import Record

HEAD_LINES = re.compile(
    r"dempo-head-1\nrun (\S{1,100})\ngenesis ([0-9a-f]{64})\nseq ([1-9][0-9]{0,15})\nhash ([0-9a-f]{64})\n"
)
NUMBER_AND_HASH = re.compile(r"(?:head:\s*)?(?:event\s+)?([1-9][0-9]{0,15}),?\s+([0-9a-f]{64})")
LARGEST_HEAD = 65_536


@dataclass(frozen=True)
class KeptElsewhere:
    """A head as it was kept; run and genesis are empty where it was only a number and a hash."""

    seq: int
    hash: str
    run_id: str = ""
    genesis: str = ""


def head_kept_in(path: Path) -> KeptElsewhere:
    """Reads a head that was kept.

    Raises:
        ValueError: the file holds none.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        text = stream.read(LARGEST_HEAD).decode("utf-8", "replace").replace("\r\n", "\n")
    if text.lstrip().startswith("{"):
        try:
            text = str(json.loads(text).get("text"))
        except RecursionError:
            text = ""
    lines, pair = HEAD_LINES.match(text), NUMBER_AND_HASH.fullmatch(text.strip())
    if lines is not None:
        return KeptElsewhere(int(lines[3]), lines[4], lines[1], lines[2])
    if pair is not None:
        return KeptElsewhere(int(pair[1]), pair[2])
    raise ValueError("it holds neither the lines of a head nor the number and the hash of an event")


def check_kept(record: Record, path: Path) -> Check:
    """Whether a record contains the head that was kept in a file."""
    step: Step = partial(_contains, path=path)
    return concluded("kept head", step, record)


def _contains(record: Record, path: Path) -> str:
    kept = head_kept_in(path)
    if record.chain_wrong is not None:
        raise broken("the chain is broken, so nothing can be said about the head that was kept", record.chain_wrong[1])
    if kept.run_id and kept.run_id != record.genesis.get("run_id"):
        raise broken(f"it is a head of run {kept.run_id}, not of this one")
    if kept.genesis and record.hashes[:1] != [kept.genesis]:
        raise broken("it is a head of a chain that began with another event: the record was written anew", 1)
    if kept.seq > record.count:
        cut = f"the record ends at event {record.count}, before the head that was kept (event {kept.seq})"
        raise broken(f"{cut}: its tail was cut or rolled back", record.count + 1)
    if record.hashes[kept.seq - 1] != kept.hash:
        told = "had another hash when the head was kept: the record was changed or written anew"
        raise broken(f"event {kept.seq} {told}", kept.seq)
    return f"the record contains the head that was kept: event {kept.seq} of {record.count}"
