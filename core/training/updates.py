"""How far training moved a model from the base model: ‖Δθ‖ and what is made of it, over the whole and by layer.

Both are read from their files as they stand, tensor by tensor and slice by slice, in the order of the tensors' names;
memory does not grow with the model. Differences are float32. Within a slice of `SLICE` numbers float64 sums them,
and the sums of slices are added exactly (math.fsum), so that whoever measures again finds the same numbers.

    l2 = ‖Δθ‖₂     rms = l2 / √d     mean_abs = Σ|Δθ| / d     relative = l2 / ‖θ_base‖₂

(Table 7 of the paper.) `changed` is the share of numbers that differ at all, `changed_bf16` of those that still do
once both are rounded to bfloat16, which is what remains of an update where a model is published in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from core.events import UpdateMeasured, UpdateRow
from core.training.models.adapted_tensors import AnyTensor, tensors_of
from core.training.models.tensor_files import Floats, as_bfloat16

_NUMBERED = re.compile(r"(?:^|\.)(?:layers|layer|h|blocks|block)\.([0-9]+)\.")
_GROUPS = {
    "head": re.compile(r"lm_head|embed_out|(?:^|\.)output\."),
    "embeddings": re.compile(r"embed|(?:^|\.)w[tp]e\."),
    "norm": re.compile(r"norm|(?:^|\.)ln_"),
}
"""Parts of models by what their tensors' names hold, the first that fits; numbered layers go before."""

_PLACES = ("embeddings", "layers", "norm", "head", "other")


@dataclass(frozen=True)
class _Sums:
    """Of a slice: numbers, Σδ², Σ|δ|, Σθ_base², how many differ, and how many do after rounding to bfloat16."""

    numbers: int
    squares: float
    absolute: float
    base: float
    changed: int
    changed_bf16: int


def measure_update(
    base: Path, model: Path, condition: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> UpdateMeasured:
    """Compares the checkpoint of a condition with the base model's.

    Args:
        progress: called with numbers compared and numbers in all.

    Raises:
        InputError: a file of one of the two cannot be read.
    """
    pairs, left_out = _in_common(tensors_of(base), tensors_of(model))
    total = sum(was.numbers for _, was, _ in pairs)
    every: list[_Sums] = []
    of_layer: dict[str, list[_Sums]] = {}
    done = 0
    for name, was, now in pairs:
        own = of_layer.setdefault(layer_of(name), [])
        for one, other in zip(was.slices(), now.slices(), strict=True):
            sums = _compared(one, other)
            every.append(sums)
            own.append(sums)
            done += sums.numbers
            progress(done, total)
    rows = [_row(layer, of_layer[layer]) for layer in sorted(of_layer, key=_place)]
    whole = _row("", every).model_dump(exclude={"layer"})
    return UpdateMeasured(condition=condition, **whole, layers=rows, left_out=left_out)


def layer_of(name: str) -> str:
    """The part of a model that a tensor belongs to, by its name: embeddings, layers.<number>, norm, head or other."""
    numbered = _NUMBERED.search(name)
    if numbered:
        return f"layers.{int(numbered[1])}"
    return next((group for group, pattern in _GROUPS.items() if pattern.search(name)), "other")


def _place(layer: str) -> tuple[int, int]:
    """Layers stand between embeddings and norm, by their numbers."""
    kind, _, number = layer.partition(".")
    return _PLACES.index(kind), int(number or 0)


def _in_common(
    base: dict[str, AnyTensor | None], model: dict[str, AnyTensor | None]
) -> tuple[list[tuple[str, AnyTensor, AnyTensor]], list[str]]:
    """The tensors that both have, in the order of the model's names, and the names of the others.

    A base checkpoint may lack the first part of every name ("transformer."), which a model is saved with.
    """
    pairs, left_out, used = [], [], set()
    for name in sorted(model):
        now = model[name]
        own = name if name in base else name.partition(".")[2]
        was = base.get(own)
        if was is None or now is None or was.shape != now.shape or own in used:
            left_out.append(name)
            continue
        used.add(own)
        pairs.append((name, was, now))
    return pairs, sorted({*left_out, *(base.keys() - used)})


def _compared(was: Floats, now: Floats) -> _Sums:
    apart = (now - was).astype(np.float64)
    before = was.astype(np.float64)
    return _Sums(
        numbers=len(was),
        squares=float(np.sum(apart * apart)),
        absolute=float(np.sum(np.abs(apart))),
        base=float(np.sum(before * before)),
        changed=int(np.count_nonzero(now != was)),
        changed_bf16=int(np.count_nonzero(as_bfloat16(now) != as_bfloat16(was))),
    )


def _row(layer: str, slices: Sequence[_Sums]) -> UpdateRow:
    numbers, squares, absolute, base, changed, rounded = _added(slices)
    d, l2, base_l2 = int(numbers), math.sqrt(squares), math.sqrt(base)
    return UpdateRow(
        layer=layer,
        numbers=d,
        l2=l2,
        rms=l2 / math.sqrt(d) if d else 0.0,
        mean_abs=absolute / d if d else 0.0,
        base_l2=base_l2,
        relative=l2 / base_l2 if base_l2 else (math.inf if l2 else 0.0),
        changed=changed / d if d else 0.0,
        changed_bf16=rounded / d if d else 0.0,
    )


def _added(slices: Sequence[_Sums]) -> Iterable[float]:
    columns = list(zip(*map(astuple, slices), strict=True)) or [()] * 6
    return [math.fsum(column) for column in columns]
