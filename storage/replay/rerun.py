"""Re-running: training and generation repeat within a tolerance, because sums of floats depend on the machine.

Numbers of an event agree within `RERUN_TOLERANCE`; a model agrees where ‖w − w'‖ ≤ `RERUN_TOLERANCE` · ‖w‖
over all its weights; answers and local judges' replies are compared as texts, which must be equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.errors import DempoError
from core.run_folder import RunFolder
from core.training.checkpoints import hash_files
from core.training.heldout.margins import decode_margins
from core.training.planning.conditions import BASE
from storage.replay.compare import EventVerdict, exactly, shown, within
from storage.replay.repetition import Line, Recorded, Repeated, Repetition

RERUN_TOLERANCE = 0.01
"""Of loss, margin, gradient norm and every other number of a step: relative to the larger of the value and 1.

bfloat16 keeps 8 bits, so that one token's log-probability moves by about 0.01 between two kinds of GPU;
the same program on the same processor repeats every bit, which is said where it is so.
"""

HOW_LOADED = ("is_local", "local_files_only", "name_or_path", "_name_or_path", "transformers_version")
"""What libraries write into a checkpoint's settings about themselves: nothing that a model computes with."""

_ON_DISK = {"train.checkpoint": "files", "model.ready": "files", "reference.computed": "artifact"}
"""Kinds of events, and the field of each that names files by their bytes: what these hold is compared instead."""


class RerunRule:
    """The comparison of every event of `model`, `train`, `recovery`, `answer` and of judges that can be run again."""

    def __init__(self, record: Recorded, repetition: Repetition, scratch: RunFolder) -> None:
        self._record = record
        self._repetition = repetition
        self._scratch = scratch

    def __call__(self, line: Line, again: Repeated) -> EventVerdict:
        """The verdict on an event that has a partner."""
        finding = exactly(line, again)
        if line.kind == "train.step":
            return _step(line, again)
        if finding.verdict != "drift":
            return finding
        if line.kind in ("answer.given", "judge.called"):
            return self._texts(line, again, finding)
        if line.kind == "heldout.measured":
            return self._margins(line, again)
        if line.kind in _ON_DISK:
            rest = _without(line, again, _ON_DISK[line.kind])
            if rest.verdict == "drift":
                return rest
            return self._reference(line, again) if line.kind == "reference.computed" else self._model(line, again)
        return within(line, again, RERUN_TOLERANCE)

    def _model(self, line: Line, again: Repeated) -> EventVerdict:
        """The model of a checkpoint, or the base model."""
        folder = again.values.get("folder", f"checkpoints/{BASE}")
        was, now = self._record.folder.root / folder, self._scratch.root / folder
        return _same_model(was, now, line.values["files"], again.values["files"])

    def _reference(self, line: Line, again: Repeated) -> EventVerdict:
        from core.training.reference import decode_reference

        name = line.values["artifact"]["sha256"]
        try:
            was = decode_reference((self._record.folder.artifacts / name).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return EventVerdict("not compared", f"the recorded log-probabilities (artifact {name[:12]}…) are not here")
        now = decode_reference((self._scratch.artifacts / again.values["artifact"]["sha256"]).read_bytes())
        if was.keys() != now.keys():
            return EventVerdict("drift", f"other sequences are scored: recorded {len(was)}, now {len(now)}")
        at = max(was, key=lambda key: abs(was[key] - now[key]) / max(1.0, abs(was[key])))
        off = abs(was[at] - now[at])
        near = off <= RERUN_TOLERANCE * max(1.0, abs(was[at]))
        return EventVerdict(
            "agrees" if near else "drift",
            f"log-probability of sequence {at}: recorded {was[at]!r}, now {now[at]!r}, the largest difference "
            f"(tolerance {RERUN_TOLERANCE:g})",
        )

    def _margins(self, line: Line, again: Repeated) -> EventVerdict:
        """The margin of every measured pair: all else of a measurement follows from these, as the verifier checks."""
        if "artifact" not in line.values:
            return EventVerdict("not compared", "the margins of the held-out pairs are withheld from this copy")
        name = line.values["artifact"]["sha256"]
        try:
            was = decode_margins((self._record.folder.artifacts / name).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return EventVerdict("not compared", f"the recorded margins (artifact {name[:12]}…) are not here")
        now = decode_margins((self._scratch.artifacts / again.values["artifact"]["sha256"]).read_bytes())
        at_once = [(line.values[name], again.values[name]) for name in ("condition", "step")]
        if any(a != b for a, b in at_once) or len(was) != len(now):
            return EventVerdict("drift", "other pairs, or another step, were measured")
        at = max(range(len(was)), key=lambda i: abs(was[i] - now[i]) / max(1.0, abs(was[i])))
        near = abs(was[at] - now[at]) <= RERUN_TOLERANCE * max(1.0, abs(was[at]))
        return EventVerdict(
            "agrees" if near else "drift",
            f"a held-out margin: recorded {was[at]!r}, now {now[at]!r}, the largest difference "
            f"(tolerance {RERUN_TOLERANCE:g})",
        )

    def _texts(self, line: Line, again: Repeated, finding: EventVerdict) -> EventVerdict:
        """Where the texts differ, both from the first character that does."""
        field = "answer" if line.kind == "answer.given" else "reply"
        try:
            was = self._record.text(line.values[field]["sha256"])
            now = self._repetition.text(again.values[field]["sha256"])
        except (DempoError, KeyError, TypeError):
            return finding
        if was == now:
            return finding
        at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
        return EventVerdict(
            "drift", f"the texts differ from character {at}: recorded {shown(was[at:])}, now {shown(now[at:])}"
        )


def _step(line: Line, again: Repeated) -> EventVerdict:
    """Loss and margin of a step are always told, so that a slow drift can be seen."""
    finding = within(line, again, RERUN_TOLERANCE)
    if finding.verdict == "drift":
        return finding
    told = [
        f"{name} {was!r}, bit for bit" if was == now else f"{name}: recorded {was!r}, now {now!r}"
        for name in ("loss", "margin")
        for was, now in [(line.values.get(name), again.values.get(name))]
    ]
    return EventVerdict(finding.verdict, "; ".join([*told, *([finding.detail] if finding.detail else [])]))


def _without(line: Line, again: Repeated, field: str) -> EventVerdict:
    """The comparison of everything but one field."""
    as_repeated = replace(line, values={**line.values, field: again.values[field]})
    return within(as_repeated, again, RERUN_TOLERANCE)


def _same_model(was: Path, now: Path, recorded: Mapping[str, str], files: Mapping[str, str]) -> EventVerdict:
    """Weights by their distance, settings by their values, every other file by its bytes."""
    if recorded.keys() != files.keys():
        return EventVerdict("drift", f"the model is in other files: recorded {sorted(recorded)}, now {sorted(files)}")
    differing = sorted(name for name in recorded if recorded[name] != files[name])
    here = hash_files(was) if was.is_dir() else {}
    gone = [name for name in differing if here.get(name) != recorded[name]]
    if gone:
        return EventVerdict("not compared", f"{gone[0]} has other bytes, and the recorded one is not here to compare")
    weights = [name for name in differing if name.endswith(".safetensors")]
    for name in differing:
        if name not in weights and not _same_settings(was / name, now / name):
            return EventVerdict("drift", f"{name}: recorded SHA-256 {shown(recorded[name])}, now {shown(files[name])}")
    if not weights:
        return EventVerdict(
            "agrees", f"the same weights to the last bit; {', '.join(differing)} differs in how it was loaded"
        )
    distance = _distance([(was / name, now / name) for name in weights])
    return EventVerdict(
        "agrees" if distance <= RERUN_TOLERANCE else "drift",
        f"‖w − w'‖ = {distance:.3g} · ‖w‖ over the weights (tolerance {RERUN_TOLERANCE:g})",
    )


def _same_settings(was: Path, now: Path) -> bool:
    """Whether two JSON files say the same, but for `HOW_LOADED`."""
    if was.suffix != ".json":
        return False
    one, other = (json.loads(path.read_bytes()) for path in (was, now))
    for values in (one, other):
        for key in HOW_LOADED:
            values.pop(key, None)
    return bool(one == other)


def _distance(files: list[tuple[Path, Path]]) -> float:
    """‖w − w'‖ / ‖w‖ over all tensors of pairs of files; infinite where their shapes or names differ."""
    from safetensors import safe_open

    apart = size = 0.0
    for one, other in files:
        with safe_open(str(one), "pt") as was, safe_open(str(other), "pt") as now:
            if sorted(was.keys()) != sorted(now.keys()):
                return math.inf
            for name in was.keys():  # noqa: SIM118 - not a mapping
                a, b = was.get_tensor(name).double(), now.get_tensor(name).double()
                if a.shape != b.shape:
                    return math.inf
                apart += float(((a - b) ** 2).sum())
                size += float((a**2).sum())
    return math.sqrt(apart / size) if size else (0.0 if apart == 0 else math.inf)
