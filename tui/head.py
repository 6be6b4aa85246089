"""`dempo head` and `dempo doctor --keygen`: what a person keeps elsewhere, and the key that signs it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from core.events import HeadSigned
from storage.foreign import is_imported
from storage.signatures.heads import as_json, as_text, current_head, signed
from storage.signatures.signing_key import chosen_key, default_key, make_signing_key, refuse_inside
from storage.signatures.sshsig import SigningError
from storage.verifier.kept import Head
from storage.verifier.sshsig import fingerprint


def keepable(root: Path, json_wanted: bool) -> str:
    """The head of a run as text or JSON, signed where a key is there; either can be given to `dempo verify --head`.

    Raises:
        VerificationFailed: the chain is broken.
        InputError: the key lies inside the folder of the run.
    """
    head = current_head(root)
    signature = _signature(head, root)
    if not json_wanted:
        return as_text(head, signature)
    facts = {"run_id": head.run_id, "genesis": head.genesis, "seq": head.seq, "hash": head.hash}
    return json.dumps(facts | as_json(head, signature), indent=2) + "\n"


def _signature(head: Head, root: Path) -> HeadSigned | None:
    key = chosen_key(os.environ)
    if key is None:
        print("dempo: not signed: there is no signing key; `dempo doctor --keygen` makes one", file=sys.stderr)
        return None
    if is_imported(root):
        print("dempo: not signed: this run came in a bundle; a signature would vouch for its record", file=sys.stderr)
        return None
    refuse_inside(key, root)
    try:
        return signed(head, key)
    except SigningError as error:
        print(f"dempo: not signed: {error}", file=sys.stderr)
        return None


def new_key(path: Path | None, runs: Path) -> tuple[dict[str, Any], str]:
    """Makes a signing key, and says what it is and what to keep elsewhere: as data and as words.

    Raises:
        InputError: there is a key already, or the place is inside the folder of the runs.
        SigningError: ssh-keygen is missing or could not write there.
    """
    place = path or default_key(os.environ)
    public = make_signing_key(place, runs)
    data = {"key": str(place), "public_key": public, "fingerprint": fingerprint(public)}
    used = "" if path is None else f"\nRuns use it where DEMPO_SIGNING_KEY={place} is set."
    words = f"""signing key  {place} (no passphrase, readable by you alone; it signs the heads of all runs from now on)
public key   {public}
fingerprint  {data["fingerprint"]}

Give {place.name}.pub, or the fingerprint, to whoever will check your runs, by another way than the runs themselves,
and keep the head that each run prints at its end where you cannot change it later: a mail, a ticket, paper.
The key itself stays here: whoever holds it can sign a rewritten record.{used}"""
    return data, words
