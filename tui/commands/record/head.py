"""`dempo head` and `dempo doctor --keygen`: what a person keeps elsewhere, and the key that signs it."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from core.events import HeadSigned
from storage.record.foreign import is_imported
from storage.signatures.heads import as_json, as_text, current_head, signed
from storage.signatures.signing_key import VARIABLE, chosen_key, default_key, make_signing_key, refuse_inside
from storage.signatures.sshsig import SigningError
from storage.verifier.vouching.kept import Head
from storage.verifier.vouching.ssh_signature import fingerprint
from tui.terminal.telling import tell


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
        tell("not signed: there is no signing key; `dempo doctor --keygen` makes one")
        return None
    if is_imported(root):
        tell("not signed: this run came in a bundle; a signature would vouch for its record")
        return None
    refuse_inside(key, root)
    try:
        return signed(head, key)
    except SigningError as error:
        tell(f"not signed: {error}")
        return None


def new_key(path: Path | None, runs: Path) -> tuple[dict[str, Any], str]:
    """Makes a signing key, and says what it is and what to keep elsewhere: as data and as words.

    Raises:
        InputError: there is a key already, or the place is inside the folder of the runs.
        SigningError: ssh-keygen is missing or could not write there.
    """
    place = Path(os.path.abspath(os.path.expanduser(path or default_key(os.environ))))
    public = make_signing_key(place, runs)
    data = {"key": str(place), "public_key": public, "fingerprint": fingerprint(public)}
    words = f"""signing key  {place} (no passphrase, readable by you alone)
public key   {public}
fingerprint  {data["fingerprint"]}

{_signs_what(place)}
Give {place.name}.pub to whoever will check your runs, by another way than the runs themselves: `dempo verify --key`
takes this file. It takes no fingerprint, but the fingerprint shows whether two keys are the same one.
Keep the head that each run prints at its end where you cannot change it later: a mail, a ticket, paper.
The key itself stays here: whoever holds it can sign a rewritten record."""
    return data, words


def _signs_what(place: Path) -> str:
    """Which runs a new key signs, with the environment as it is."""
    if chosen_key(os.environ) == place:
        return "It signs the heads of all runs from now on."
    if place != default_key(os.environ):
        return f"It signs the heads of runs that are started where {VARIABLE}={shlex.quote(str(place))} is set."
    here = os.environ.get(VARIABLE) or "empty"
    return f"It signs the heads of runs that are started where {VARIABLE} is not set; here it is {here}."
