"""Which program this is: a digest of its own files always; commit and changes from its checkout or its installer."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from core.program.place import ROOT

OWN = ("core", "storage", "tui", "chain.py", "dempo.py")
"""The top-level packages and modules that the program consists of."""

EXAMPLES = ("tui", "examples")
"""Where an installation has the examples, which a checkout has at its top. They are configurations, not the program."""

_HERE = Path(__file__).resolve()


@dataclass(frozen=True)
class Provenance:
    """Which program this is.

    version is that of the installed package, "checkout" for a checkout: what was installed from it once may be older.
    files is the SHA-256 of what `files_digest` says, the same for a checkout and for what was installed from it.
    commit is that of the checkout, or of the repository that was installed from; None where nobody noted it. dirty says
    whether the checkout has uncommitted changes, or the files are others than were installed; None where unknown.
    """

    version: str
    files: str
    commit: str | None
    dirty: bool | None


@cache
def provenance() -> Provenance:
    """Of the running program, read once per process: its files don't change what is loaded."""
    digests = own_files(ROOT)
    version = program_version()
    commit, dirty = checkout_state(ROOT)
    installed = _running_distribution()
    if commit is None and installed is not None:
        commit, dirty = installed_commit(installed), differs_from_installed(installed, digests)
    return Provenance(version, files_digest(digests), commit, dirty)


def program_version() -> str:
    """The version of the installed package, or "checkout"."""
    installed = None if (ROOT / "pyproject.toml").is_file() else _running_distribution()
    return "checkout" if installed is None else installed.version


def own_files(root: Path) -> dict[str, bytes]:
    """SHA-256 of every file of the program below `root`, by path; what Python caches is none."""
    found = {}
    for name in OWN:
        for path in (root / name, *(root / name).rglob("*")):
            parts = path.relative_to(root).parts
            if _is_own(parts) and path.is_file():
                found["/".join(parts)] = hashlib.sha256(path.read_bytes()).digest()
    return found


def _is_own(parts: Sequence[str]) -> bool:
    """Whether a path below the place of the program is one of its files."""
    hidden = "__pycache__" in parts or any(part.startswith(".") for part in parts)
    return parts[0] in OWN and not hidden and tuple(parts[: len(EXAMPLES)]) != EXAMPLES


def files_digest(digests: Mapping[str, bytes]) -> str:
    """SHA-256 over the lines `<SHA-256 in hex>  <path>`, in the order of the paths' bytes: what `sha256sum` prints."""
    lines = (f"{digests[path].hex()}  {path}\n" for path in sorted(digests, key=str.encode))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def checkout_state(root: Path) -> tuple[str | None, bool | None]:
    """Commit and dirty state of the checkout that lies at `root`; None outside one."""
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None, None
    commit = output_of(["git", "-C", str(root), "rev-parse", "HEAD"])
    changes = output_of(["git", "-C", str(root), "status", "--porcelain"])
    return commit or None, None if changes is None else bool(changes)


def _running_distribution() -> Distribution | None:
    """The installed distribution whose files are the ones that run; None for a checkout, whatever else is installed."""
    try:
        found = distribution("dempo")
    except PackageNotFoundError:
        return None
    own = Path(str(found.locate_file(_HERE.relative_to(ROOT).as_posix())))
    return found if own.resolve() == _HERE else None


def installed_commit(installed: Distribution) -> str | None:
    """The commit that an installer noted (PEP 610), as `pip install git+…` does."""
    try:
        noted = json.loads(installed.read_text("direct_url.json") or "{}")["vcs_info"]["commit_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return noted if isinstance(noted, str) else None


def differs_from_installed(installed: Distribution, digests: Mapping[str, bytes]) -> bool | None:
    """Whether the files are others than the installer noted in RECORD; None where it noted none."""
    noted = {
        file.as_posix(): file.hash.value
        for file in installed.files or ()
        if file.hash is not None and file.hash.mode == "sha256" and _is_own(file.parts)
    }
    if not noted:
        return None
    present = {path: base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for path, digest in digests.items()}
    return noted != present


def output_of(command: list[str], seconds: float = 10) -> str | None:
    """What a command prints within so many seconds; None where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
