"""`ro-crate-metadata.json`: a bundle as an RO-Crate 1.1 that follows the Process Run Crate profile 0.5.

The run is a `CreateAction`: dempo (the instrument) made the record and all that is derived from it (the results) out
of the configuration and the data (the objects). Data files are not in a bundle; they are described by name and SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.export.contents import RunFacts
from storage.imports.bundle import MANIFEST
from storage.imports.names import described
from storage.record.foreign import CRATE_MARK
from storage.verifier.shipped import CHAIN_NAME, VERIFIER_NAME

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"

_RUN = "#run"
_INPUTS = ("config.toml", "config.resolved.json")
_WORDS = ("README.txt", "LICENSES.md", "LIMITS.md")


def metadata(files: Mapping[str, Path], facts: RunFacts, agent: str | None) -> str:
    """The JSON-LD of a bundle.

    Args:
        files: name and path of every file but the manifest and this one.
        facts: what the record says of the run.
        agent: who answers for the run, as a name; left out where None.
    """
    parts = [_file(name, path) for name, path in sorted(files.items())]
    parts.append(_file(MANIFEST))
    inputs = [_input(number, row) for number, row in enumerate(facts.data)]
    instrument = _instrument(facts.program)
    graph: list[dict[str, Any]] = [
        {
            "@id": CRATE_MARK,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"dempo run {facts.run_id}",
            "description": "The audit record of an alignment run and what is derived from it. Check it before use.",
            "datePublished": facts.ended,
            "license": {"@id": "LICENSES.md"},
            "conformsTo": {"@id": PROFILE},
            "hasPart": [{"@id": part["@id"]} for part in parts],
            "mentions": {"@id": _RUN},
        },
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        _action(facts, parts, inputs, instrument, agent),
        instrument,
        *inputs,
        *parts,
    ]
    if agent is not None:
        graph[1]["author"] = {"@id": "#agent"}
        graph.append({"@id": "#agent", "@type": "Person", "name": agent})
    return json.dumps({"@context": CONTEXT, "@graph": graph}, ensure_ascii=False, indent=2) + "\n"


def _action(
    facts: RunFacts,
    parts: Sequence[Mapping[str, Any]],
    inputs: Sequence[Mapping[str, Any]],
    instrument: Mapping[str, Any],
    agent: str | None,
) -> dict[str, Any]:
    given = [part["@id"] for part in parts if part["@id"] in _INPUTS]
    made = [part["@id"] for part in parts if part["@id"] not in (*_INPUTS, *_WORDS, VERIFIER_NAME, CHAIN_NAME)]
    action: dict[str, Any] = {
        "@id": _RUN,
        "@type": "CreateAction",
        "name": f"Run {facts.name}",
        "description": f"Panel, training, judging and ranking; the record ends as “{facts.status}”.",
        "startTime": facts.started,
        "endTime": facts.ended,
        "instrument": {"@id": instrument["@id"]},
        "object": [{"@id": i} for i in (*given, *(row["@id"] for row in inputs))],
        "result": [{"@id": i} for i in made],
    }
    if facts.status == "completed":
        action["actionStatus"] = "http://schema.org/CompletedActionStatus"
    elif facts.status == "failed":
        action["actionStatus"] = "http://schema.org/FailedActionStatus"
        action["error"] = facts.detail
    if agent is not None:
        action["agent"] = {"@id": "#agent"}
    return action


def _instrument(version: str) -> dict[str, Any]:
    address = "https://pypi.org/project/dempo/"
    return {
        "@id": f"{address}#{version}",
        "@type": "SoftwareApplication",
        "name": "dempo",
        "url": address,
        "softwareVersion": version,
    }


def _input(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@id": f"#data-{number}",
        "@type": "CreativeWork",
        "name": str(row["name"]),
        "description": f"A data file of {row['bytes']} bytes that the run read; it is not in this bundle.",
        "sha256": str(row["sha256"]),
    }


def _file(name: str, path: Path | None = None) -> dict[str, Any]:
    """A file of the bundle; without a path its size isn't known yet."""
    suffix = Path(name).suffix
    facts = {
        "@id": name,
        "@type": "File",
        "name": name,
        "description": described(name),
        "encodingFormat": _MEDIA.get(suffix, "application/octet-stream"),
    }
    return facts if path is None else {**facts, "contentSize": str(path.stat().st_size)}


_MEDIA = {
    ".csv": "text/csv",
    ".db": "application/vnd.sqlite3",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".pub": "text/plain",
    ".py": "text/x-python",
    ".sha256": "text/plain",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain",
}
