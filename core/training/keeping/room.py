"""Whether the disk has room for what training writes, asked before it is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from core.errors import DempoError, InputError

RESERVE = 64 * 1024**2
"""Bytes beside the weights of a state or a model: its tokenizer and settings, and what is recorded meanwhile."""


def free_bytes(folder: Path) -> int:
    """What may still be written into a folder."""
    return shutil.disk_usage(folder).free


def taken_bytes(folder: Path) -> int:
    """What the files below a folder hold; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def require_room(folder: Path, needed: int, there: int, doing: str) -> None:
    """Refuses to begin what the disk cannot hold.

    Args:
        needed: bytes, in all.
        there: those of them that an earlier attempt wrote already.
        doing: what for, after "needs up to 3.0 GB for".

    Raises:
        InputError: names the folder and both sizes.
    """
    free, wanted = free_bytes(folder), needed - there + RESERVE
    if free < wanted:
        raise InputError(
            f"{folder} needs up to {in_gb(wanted)} for {doing}, and {in_gb(free)} are free; free some space, keep the "
            "runs on a larger disk (--runs-dir), or train fewer conditions in a run"
        )


def lacking_room(folder: Path, needed: int) -> str | None:
    """Why so many bytes cannot be written into a folder, in part of a sentence; None where they can."""
    free = free_bytes(folder)
    return None if free >= needed + RESERVE else f"{in_gb(needed + RESERVE)} needed in {folder}, {in_gb(free)} free"


def require_room_for_model(folder: Path, needed: int, condition: str, kept: str) -> None:
    """Refuses to write a final model that would not be whole.

    Args:
        kept: what training goes on from once there is room.

    Raises:
        DempoError: there is no room; nothing was removed.
    """
    lacking = lacking_room(folder, needed)
    if lacking is not None:
        raise DempoError(
            f"condition {condition!r} is trained, and there is no room for its model ({lacking}); free some space and "
            f"resume, which goes on from {kept}"
        )


def bytes_of_state(model: Any, optimizer: Any) -> int:
    """What a state of training takes: all of the model that is trained, and what its optimizer keeps."""
    kept = [value for values in optimizer.state.values() for value in values.values() if hasattr(value, "numel")]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return sum(tensor.numel() * tensor.element_size() for tensor in [*trained, *model.buffers(), *kept])


def in_gb(size: float) -> str:
    """A number of bytes for a sentence."""
    return f"{size / 1000**3:,.1f} GB"
