"""The files that `dempo export` writes, and what each is; a bundle with any other is refused.

The manifest lists whatever a stranger put in, and people run the (genuine) `verify.py` inside the folder that they
unpacked: a `json.py` there may be run in place of Python's own, a `sitecustomize.py` wherever Python starts.
"""

from __future__ import annotations

from collections.abc import Iterable

from storage.imports.bundle import BundleRefused
from storage.verifier.vouching.bundle_files import FILES, FOLDERS, WRITTEN_BY_EXPORT


def described(name: str) -> str:
    """What a file of a bundle is, in words."""
    of_folder = next((words for folder, (_, words) in FOLDERS.items() if name.startswith(folder)), name)
    return FILES.get(name, of_folder)


def refuse_strange(names: Iterable[str]) -> None:
    """Stops at a file that no export writes.

    Raises:
        BundleRefused: with its name.
    """
    for name in names:
        if WRITTEN_BY_EXPORT.fullmatch(name) is None:
            raise BundleRefused(
                f"it holds {name!r}, which `dempo export` does not write; don't unpack it, and don't run anything in it"
            )
