"""In which numbers a training computes, what an optimizer needs of them, and what rounding does to the first step.

| numbers    | weights and moments | forward and backward                                        |
|------------|---------------------|-------------------------------------------------------------|
| fp32       | float32             | float32                                                     |
| tf32       | float32             | float32, factors of matrix products rounded to TensorFloat32 |
| bf16_mixed | float32             | bfloat16 autocast                                           |
| bf16       | bfloat16            | bfloat16                                                    |
"""

from __future__ import annotations

from core.facts.randomness import derive_seed

ASKED = {"fp32": ("fp32", "tf32"), "bf16_mixed": ("bf16_mixed",), "bf16": ("bf16",)}
"""What `train.precision` may say, and the numbers that each becomes: float32 is tf32 on a GPU."""

ROUNDED_AT_RANDOM = ("adamw_sr", "adamw_sr_8bit")
"""Optimizers that round bfloat16 weights up or down by chance, so that small updates are kept on average."""

ONLY_BF16 = ("adamw_kahan", *ROUNDED_AT_RANDOM)
"""Optimizers that are made for bfloat16 weights, and change nothing for float32 ones."""


def numbers_possible(precision: str | None, optimizer: str) -> tuple[str, ...]:
    """The numbers that a configuration can compute in; an optimizer for bfloat16 weights decides where it leaves them
    to the device."""
    if precision is not None:
        return ASKED[precision]
    return ("bf16",) if optimizer in ONLY_BF16 else ("fp32", "tf32", "bf16_mixed")


def are_exact(numbers: str) -> bool:
    """Whether rounding is that of float32, which is small whatever the batches."""
    return numbers == "fp32"


def rounding_seed(seed: int | str, condition: str) -> int:
    """The seed of the generator by which an optimizer rounds the weights of a condition.

    Args:
        seed: the run's.
    """
    return derive_seed(seed, "train", condition)
