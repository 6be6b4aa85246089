"""Keys, signed records and forgeries for tests of what vouches for a record."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from records import genesis, step

from core.data.pseudonyms import PLANTED
from core.facts.chain import NO_EVENT, link_hash
from core.facts.trees import Tree
from core.run_folder import RunFolder
from storage.record.codec import canonical
from storage.record.log import Log
from storage.record.schema import TRIGGERS
from storage.signatures.heads import HeadSigner

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen (OpenSSH) is not here")

Event = dict[str, Any]


def make_key(folder: Path, name: str = "key", kind: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair by ssh-keygen itself, not through the code that is tested."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def no_trouble(sentence: str) -> None:
    raise AssertionError(sentence)


def signed_record(runs: Path, key: Path, run_id: str = "20260101-000000-signed", steps: int = 6) -> Path:
    """A record with a signed head at event 2 and one at its end (with six steps: event 8, of 9)."""
    root = runs / run_id
    with Log.create(RunFolder(root), genesis(run_id), PLANTED) as log:
        log.signer = HeadSigner(key, no_trouble)
        log.record("train", [step(1)], unit=("full/0001", 1))
        log.sign_head()
        for number in range(2, steps + 1):
            log.record("train", [step(number)], unit=("full/0001", 1))
        log.sign_head()
    return root


def rewrite(root: Path, change: Callable[[list[Event]], list[Event]]) -> None:
    """What somebody with write access can do: change the events and chain them anew, triggers and all."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        rows = db.execute("SELECT at, stage, kind, payload FROM events ORDER BY seq").fetchall()
        events = [{"at": a, "stage": s, "kind": k, "payload": json.loads(p)} for a, s, k, p in rows]
        for name in TRIGGERS:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM events")
        prev, tree = NO_EVENT, Tree()
        for seq, event in enumerate(change(events), 1):
            if callable(event["payload"]):
                event["payload"] = event["payload"](seq - 1, prev, tree.root)
            at, stage, kind, payload = event["at"], event["stage"], event["kind"], canonical(event["payload"])
            hashed = link_hash(prev, seq, at, stage, kind, payload)
            db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (seq, at, stage, kind, payload, prev, hashed))
            prev = hashed
            tree.append(bytes.fromhex(prev))
        for sql in TRIGGERS.values():
            db.execute(sql)
        db.commit()
