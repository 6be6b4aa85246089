"""`dempo show RUN --why RATER`: why a rater's inclusion probability is what it is, lottery by lottery."""

from __future__ import annotations

import csv
import json
from typing import Any

from core.errors import InputError
from core.sortition.why import explain, sentences
from core.visible import one_line
from storage.record.reader import Reader
from storage.withheld import require_people

_LEVEL_FIELDS = ("types", "binding")


def why(reader: Reader, wanted: str) -> tuple[list[dict[str, Any]], str]:
    """One answer per lottery, as data and as text.

    `wanted` is a pseudonym, a unique prefix of one, or a source id where `private/raters.csv` is at hand.

    Raises:
        InputError: nobody, or several raters, are called so; or no lottery is solved yet.
        NotFound: rows about people are not in this copy.
    """
    require_people(reader, "inclusion_probabilities")
    rater = _rater(reader, wanted)
    lotteries = reader.view("lotteries")
    if not lotteries:
        raise InputError("no lottery is solved in this run yet; `dempo show RUN` says how far it is")
    answers = [_answer(reader, rater, lottery) for lottery in lotteries]
    parts = []
    for answer in answers:
        lines = [one_line(line, 400) for line in sentences(answer)]
        head = f"rater {answer['rater_id']} in lottery {one_line(answer['lottery'], 40)}"
        parts.append("\n".join([head, *(f"  {line}" for line in lines)]))
    return answers, "\n\n".join(parts)


def _rater(reader: Reader, wanted: str) -> dict[str, Any]:
    raters = reader.view("raters")
    known = _pseudonym_of(reader, wanted)
    found = [row for row in raters if row["rater_id"] in (wanted, known)]
    found = found or [row for row in raters if wanted and str(row["rater_id"]).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    shown = one_line(wanted, 40)
    if found:
        raise InputError(f"{len(found)} raters begin with {shown!r}; give more of the pseudonym")
    raise InputError(f"no rater of the pool is called {shown!r}; `dempo show RUN --view raters` lists the pseudonyms")


def _pseudonym_of(reader: Reader, source_id: str) -> str | None:
    """The pseudonym of a source id, where the run's private table is at hand."""
    path = reader.folder.private / "raters.csv"
    try:
        with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
            return next((row["rater_id"] for row in csv.DictReader(file) if row["source_id"] == source_id), None)
    except (OSError, KeyError, UnicodeDecodeError):
        return None


def _answer(reader: Reader, rater: dict[str, Any], lottery: dict[str, Any]) -> dict[str, Any]:
    name = lottery["lottery"]
    types = reader.query("SELECT type, size FROM types WHERE lottery IS ? ORDER BY type", [name])
    pi = reader.query(
        "SELECT pi FROM inclusion_probabilities WHERE lottery IS ? AND rater_id IS ?", [name, rater["rater_id"]]
    )
    fields = "level, probability, types, binding, proof, gap"
    levels = reader.query(f"SELECT {fields} FROM levels WHERE lottery IS ?", [name])
    answer = explain(
        rater_type=rater["type"],
        categories=json.loads(rater["attributes"]),
        pi=pi[0]["pi"],
        size=lottery["size"],
        type_sizes=[row["size"] for row in types],
        quotas=reader.query("SELECT * FROM quotas WHERE lottery IS ?", [name]),
        levels=[row | {field: json.loads(row[field] or "null") for field in _LEVEL_FIELDS} for row in levels],
    )
    return {"rater_id": rater["rater_id"], "lottery": name, **answer}
