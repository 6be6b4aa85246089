"""What a bundle says of itself first: what it is, how to check it, what is in it. In `README.txt` and in the report."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from core.facts.plural import number_of
from storage.export.contents import RunFacts
from storage.imports.bundle import MANIFEST
from storage.imports.names import described
from storage.verifier.vouching.bundle_files import FOLDERS

NAME = "README.txt"

WHAT = (
    "dempo draws panels by a lottery under quotas, trains models on the preferences of the people drawn, has their "
    "answers ranked by judges, and records every step of it as an event.",
    "The record of one run is audit.db: an append-only list of events, each bound to the one before it by SHA-256.",
    "The tables are its views: verify.py compares them with it. The report and the plots are the exporter's rendering "
    "of it: nothing compares them with the record, and `dempo import` with `dempo export` after it makes them anew.",
)
"""Three sentences, for somebody who sees a bundle for the first time."""

COMMANDS = (
    ("python3 -I verify.py", "in the unpacked bundle: all that Python alone (3.9 or newer) can check"),
    ("python3 -I chain.py", "whether the record is whole; a file to be read before it is run"),
    ("python3 -I verify.py --key FILE --head FILE", "the same, with a key and a head got from elsewhere"),
    ("dempo import BUNDLE.zip", "everything; the run can then be shown, replayed and exported anew"),
)

TRUST = (
    "Unpack the bundle into an empty folder. Whoever changes a bundle can change verify.py and chain.py in it: take "
    "them from a release that you trust, or let `dempo import` compare them. A key or a head that came with the bundle "
    "proves nothing about who made it."
)

_WIDTH = 100


def signed_by(signers: Sequence[str]) -> str:
    """Whose signatures the record holds, and what that is worth."""
    if not signers:
        return (
            "No head of this record is signed: that it was not written anew shows only against a head kept elsewhere."
        )
    keys = number_of(len(signers), "key")
    return (
        f"Heads of this record are signed with {keys}: {', '.join(signers[:5])}. By itself that proves nothing, "
        "because anybody can make a key; compare it with the fingerprint that the operator gave you by another way."
    )


def readme(facts: RunFacts, signers: Sequence[str], files: Iterable[str]) -> str:
    """`README.txt`: plain text, for whoever unpacks a bundle."""
    wide = max(len(command) for command, _ in COMMANDS)
    listed = [*_listed(files), (MANIFEST, described(MANIFEST))]
    column = max(len(name) for name, _ in listed)
    return "\n\n".join(
        [
            f"dempo run {facts.run_id}\nhead: event {facts.seq}, {facts.head}",
            "\n".join(_wrapped(sentence) for sentence in WHAT),
            "How to check it\n\n" + "\n".join(f"  {command:<{wide}}  {what}" for command, what in COMMANDS),
            _wrapped(TRUST),
            _wrapped(signed_by(signers)),
            "What is in it\n\n" + "\n".join(f"  {name:<{column}}  {what}" for name, what in listed) + "\n",
        ]
    )


def _listed(files: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Files by name, folders by how many files they hold."""
    names = sorted(files)
    for name in names:
        if "/" not in name:
            yield name, described(name)
    for folder, (_, words) in FOLDERS.items():
        count = sum(name.startswith(folder) for name in names)
        if count:
            yield folder, f"{number_of(count, 'file')}, each {words}"


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, _WIDTH, break_on_hyphens=False, break_long_words=False)
