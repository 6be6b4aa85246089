"""Which key signs the heads of runs on this machine, and making one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from core.errors import InputError
from storage.signatures import sshsig

VARIABLE = "DEMPO_SIGNING_KEY"
"""Names an operator's own key; set but empty it turns signing off."""


def default_key(variables: Mapping[str, str]) -> Path:
    """Where `dempo doctor --keygen` puts the key: below XDG_CONFIG_HOME, or ~/.config."""
    given = variables.get("XDG_CONFIG_HOME", "")
    folder = Path(given) if os.path.isabs(given) else Path(os.path.expanduser("~"), ".config")
    return folder / "dempo" / "signing_key"


def chosen_key(variables: Mapping[str, str]) -> Path | None:
    """The key that signs: the one that the operator names, or the default one where it exists."""
    named = variables.get(VARIABLE)
    if named is not None:
        return Path(os.path.expanduser(named)) if named else None
    key = default_key(variables)
    return key if key.exists() else None


def lies_inside(key: Path, folder: Path) -> bool:
    """Whether a key, followed through links, is somewhere below a folder."""
    return key.resolve().is_relative_to(folder.resolve())


def refuse_inside(key: Path, run: Path) -> None:
    """A key in the folder of a run would travel with it.

    Raises:
        InputError: the key lies inside.
    """
    if lies_inside(key, run):
        raise InputError(
            f"the signing key {key} lies inside the folder of the run {run.name}, where it would travel with the "
            f"record that it vouches for; move it out and name it with {VARIABLE}"
        )


def make_signing_key(path: Path, runs: Path) -> str:
    """Makes a key for the owner alone and returns its public key.

    Raises:
        InputError: there is something already, or the place is inside the folder of the runs.
        SigningError: ssh-keygen is missing or could not write there.
    """
    path = Path(os.path.abspath(os.path.expanduser(path)))
    public = path.with_name(f"{path.name}.pub")
    if lies_inside(path, runs):
        raise InputError(f"{path} lies inside the folder of the runs; a signing key belongs elsewhere")
    for taken in (path, public):
        if os.path.lexists(taken):
            raise InputError(f"{taken} exists; a key is never overwritten, since records that it signed need it")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {path.parent}: {error.strerror}") from error
    return sshsig.make_key(path)
