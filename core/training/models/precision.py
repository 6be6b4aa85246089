"""Where the model lives and in which numbers it computes; running out of memory as a sentence.

| precision  | weights and optimizer | forward and backward |
|------------|-----------------------|----------------------|
| fp32       | float32               | float32              |
| bf16_mixed | float32               | bfloat16 autocast    |
| bf16       | bfloat16              | bfloat16             |

Pure bf16 weights barely move at learning rates like 5e-6 (docs/training.md); it is an option because
"full-parameter bf16" in the literature may mean it, and the run records which was used.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InputError, OutOfDeviceMemory
from core.sections.what_trains import TrainSection

if TYPE_CHECKING:
    import torch


def quiet_libraries() -> None:
    """Switches off telemetry, progress bars and advice of the training libraries. Call before importing them."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@dataclass(frozen=True)
class Placement:
    """Device and numbers of a model. `autocast` computes in bfloat16 over float32 weights."""

    device: str
    dtype: torch.dtype
    autocast: bool

    @property
    def exact(self) -> bool:
        """Whether everything is computed in float32, so that rounding is small whatever the batches."""
        import torch

        return self.dtype == torch.float32 and not self.autocast

    @property
    def multiple(self) -> int:
        """What the widths of batches are rounded up to.

        A GPU's libraries prepare each shape that they have not seen: with widths as they fall nearly every
        micro-batch was new, and a 1B model trained half as fast (docs/benchmarks.md). On a CPU padding only costs.
        """
        return 64 if self.device == "cuda" else 1

    def computing(self) -> Any:
        """The context manager under which forward passes outside the trainer run."""
        import torch

        if not self.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)


def placement(train: TrainSection) -> Placement:
    """The placement that a configuration asks for on this machine; sets torch's number of CPU threads.

    Raises:
        InputError: a GPU is asked for that is not there or cannot compute in bfloat16.
    """
    import torch

    if train.threads:
        torch.set_num_threads(train.threads)
    available = torch.cuda.is_available()
    if train.device == "cuda" and not available:
        raise InputError("train.device is 'cuda' but torch finds no GPU; set train.device to 'auto' or 'cpu'")
    device = "cuda" if available and train.device != "cpu" else "cpu"
    if device == "cuda" and train.precision != "fp32" and not torch.cuda.is_bf16_supported():
        raise InputError(f"this GPU cannot compute in bfloat16 (train.precision = {train.precision!r}); use 'fp32'")
    dtype = torch.bfloat16 if train.precision == "bf16" else torch.float32
    return Placement(device=device, dtype=dtype, autocast=train.precision == "bf16_mixed")


@contextlib.contextmanager
def memory_guard(train: TrainSection, doing: str) -> Iterator[None]:
    """Turns a failed allocation into advice.

    Raises:
        OutOfDeviceMemory: the device's memory was exhausted while `doing`.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(_advice(train, doing)) from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise OutOfDeviceMemory(_advice(train, doing)) from error


def release_memory() -> None:
    """Frees a finished model, here and on the GPU, so that the next one fits; models hold cycles."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _advice(train: TrainSection, doing: str) -> str:
    import torch

    from core.training.prediction.ways_out import advice

    cuda = train.device != "cpu" and torch.cuda.is_available()
    return f"the device ran out of memory while {doing}; clone the run and {advice(train, cuda)}"
