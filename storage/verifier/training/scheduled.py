"""Which texts the schedules take, from the files of the pairs and of the schedules."""

from __future__ import annotations

import json
from array import array
from itertools import islice
from pathlib import Path
from typing import Any

from storage.verifier.contents.pairs import LONGEST_LINE
from storage.verifier.contents.whole import is_plain_file
from storage.verifier.ground.finding import broken, spend
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.schedules import LARGEST_SCHEDULE
from storage.verifier.training.weights import conditions_of_record


def scheduled_texts(record: Record) -> set[tuple[int, int, int]] | None:
    """The distinct (context, response, response), the smaller response first, of all pairs that a schedule takes;
    None where a file is not here.

    Responses are numbered among the texts that some pair chooses or rejects.
    """
    built = record.counted("pairs.built")
    planned = [event for event in conditions_of_record(record).values() if event.values.get("artifact") is not None]
    paths = [record.root / "artifacts" / event.values["artifact"]["sha256"] for event in [*built[:1], *planned]]
    if not built or not all(map(is_plain_file, paths)):
        return None
    spend(record, built[0].values["pairs"])
    taken = {pair for event, path in zip(planned, paths[1:], strict=True) for pair in _pairs_taken(path, event)}
    columns = _columns_of_pairs(paths[0], built[0])
    number = {text: i for i, text in enumerate(sorted({*columns[1], *columns[2]}))}
    texts = set()
    for pair in taken:
        context, chosen, rejected = (column[pair] for column in columns)
        first, second = sorted((number[chosen], number[rejected]))
        texts.add((context, first, second))
    return texts


def _pairs_taken(path: Path, event: Found) -> set[int]:
    """The numbers of the pairs in a schedule."""
    with path.open("rb") as stream:
        rows = json.loads(stream.read(LARGEST_SCHEDULE))["pairs"]
    found = {pair for row in rows for pair in row}
    if not all(isinstance(pair, int) and pair >= 0 for pair in found):
        raise broken("a schedule names a pair by something that is no number", event.seq)
    return found


def _columns_of_pairs(path: Path, built: Found) -> list[Any]:
    """Context and the two texts of every pair, in the order of the file."""
    columns = [array("q"), array("q"), array("q")]
    with path.open("rb") as stream:
        header = json.loads(stream.readline(LONGEST_LINE))
        lines = iter(lambda: stream.readline(LONGEST_LINE), b"")
        before = header["raters"] + header["texts"] + header["contexts"]
        for line in islice(lines, before, before + built.values["pairs"]):
            pair = json.loads(line)
            for column, name in zip(columns, ("context", "chosen", "rejected"), strict=True):
                column.append(pair[name])
    return columns
