"""Where the model lives and in which numbers it computes; running out of memory as a sentence.

The numbers are those of `core.facts.training.numbers`. Left to the device, they are bf16_mixed on a GPU and fp32 on a
CPU. The reference records which they were; whoever goes on, here or elsewhere, goes on with them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InputError, OutOfDeviceMemory
from core.facts.training.numbers import are_exact, numbers_possible
from core.sections.what_trains import TrainSection

if TYPE_CHECKING:
    import torch


def quiet_libraries() -> None:
    """Switches off telemetry, progress bars and advice of the training libraries. Call before importing them."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch  # sets up its own logging, and would undo the next lines

    for name in ("torchao", torch.utils._pytree.__name__):  # of kernels for other machines, and names that will go
        logging.getLogger(name).setLevel(logging.ERROR)
    import datasets
    import transformers

    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # peft asks by it
    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@dataclass(frozen=True)
class Placement:
    """Device and numbers of a model: fp32, tf32, bf16_mixed or bf16."""

    device: str
    numbers: str

    @property
    def dtype(self) -> torch.dtype:
        """That of the weights."""
        import torch

        return torch.bfloat16 if self.numbers == "bf16" else torch.float32

    @property
    def autocast(self) -> bool:
        """Whether it computes in bfloat16 over float32 weights."""
        return self.numbers == "bf16_mixed"

    @property
    def exact(self) -> bool:
        """Whether everything is computed in float32, so that rounding is small whatever the batches."""
        return are_exact(self.numbers)

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


def placement(train: TrainSection, recorded: str | None = None) -> Placement:
    """The placement that a configuration asks for on this machine; sets torch's number of CPU threads, and how float32
    matrices are multiplied.

    Args:
        recorded: the numbers that the run has computed in so far. A CPU has no tf32 and takes fp32 for it.

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
    possible = numbers_possible(train.precision, train.optimizer) if recorded is None else (recorded,)
    numbers = _numbers(device, possible)
    if device == "cuda" and numbers.startswith("bf16") and not torch.cuda.is_bf16_supported():
        raise InputError(f"this GPU cannot compute in bfloat16 (train.precision would be {numbers!r}); use 'fp32'")
    torch.set_float32_matmul_precision("high" if numbers == "tf32" else "highest")
    return Placement(device=device, numbers=numbers)


def _numbers(device: str, possible: Sequence[str]) -> str:
    """Of the numbers that are possible, those that the device takes by itself."""
    own = ("bf16_mixed", "tf32") if device == "cuda" else ("fp32",)
    numbers = next((name for name in own if name in possible), possible[0])
    return "fp32" if (device, numbers) == ("cpu", "tf32") else numbers


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
    _set_libraries_aside()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


_MANY = 100
"""Modules: as many as a library of those here brings at least."""

_aside = 0
"""Modules that were imported when objects were last set aside."""


def _set_libraries_aside() -> None:
    """Spares the collector what libraries brought, where some were imported since: it stays as long as the process.

    Looking through it took a second each time, most of a small run. Called where no model is in memory.
    """
    global _aside
    if len(sys.modules) >= _aside + _MANY:
        gc.freeze()
        _aside = len(sys.modules)


def _advice(train: TrainSection, doing: str) -> str:
    import torch

    from core.training.prediction.ways_out import advice

    cuda = train.device != "cpu" and torch.cuda.is_available()
    return f"the device ran out of memory while {doing}; clone the run and {advice(train, cuda)}"
