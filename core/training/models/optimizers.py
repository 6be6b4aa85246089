"""The optimizers that `train.optimizer` may name, by the names of transformers, and the package that each needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from core.errors import InputError
from core.program.environment import missing_packages

_BITSANDBYTES = (
    "adamw_8bit",
    "adamw_bnb_8bit",
    "ademamix",
    "ademamix_8bit",
    "lion_32bit",
    "lion_8bit",
    "paged_adamw_32bit",
    "paged_adamw_8bit",
    "paged_ademamix_32bit",
    "paged_ademamix_8bit",
    "paged_lion_32bit",
    "paged_lion_8bit",
    "rmsprop_bnb",
    "rmsprop_bnb_32bit",
    "rmsprop_bnb_8bit",
)

OPTIMIZERS: Mapping[str, str] = {
    **dict.fromkeys(("adamw_torch", "adamw_torch_fused", "adafactor", "adagrad", "rmsprop", "sgd"), "torch"),
    **dict.fromkeys(("adamw_torch_4bit", "adamw_torch_8bit"), "torchao"),
    **dict.fromkeys(_BITSANDBYTES, "bitsandbytes"),
    **dict.fromkeys(("schedule_free_adamw", "schedule_free_radam", "schedule_free_sgd"), "schedulefree"),
    "grokadamw": "grokadamw",
    "stable_adamw": "optimi",
}
"""Those that work without settings of their own: GaLore, APOLLO and LOMO ask for some that [train] does not have."""

_INSTALLED_AS = {"optimi": "torch-optimi"}


def require_optimizer(name: str) -> None:
    """Refuses an optimizer that this program cannot use here.

    Raises:
        InputError: it is not one of `OPTIMIZERS`, or its package is missing.
    """
    package = OPTIMIZERS.get(name)
    if package is None:
        raise InputError(f"train.optimizer: there is no optimizer {name!r}; there are {', '.join(sorted(OPTIMIZERS))}")
    if find_spec(package) is None:
        raise InputError(f"train.optimizer {name!r}: {missing_packages([_INSTALLED_AS.get(package, package)])}")


_STATE: Mapping[str, float] = {
    **dict.fromkeys(("adamw_torch_4bit",), 1.06),
    **dict.fromkeys(
        (
            "adamw_torch_8bit",
            "adamw_8bit",
            "adamw_bnb_8bit",
            "paged_adamw_8bit",
            "ademamix_8bit",
            "paged_ademamix_8bit",
        ),
        2.06,
    ),
    **dict.fromkeys(("lion_8bit", "paged_lion_8bit", "rmsprop_bnb_8bit"), 1.03),
    **dict.fromkeys(("sgd", "adafactor"), 0.0),
}
"""Bytes of an optimizer's state for one parameter, where they don't depend on the numbers of the weights."""

_ONE_MOMENT = ("adagrad", "rmsprop", "rmsprop_bnb", "rmsprop_bnb_32bit", "lion_32bit", "paged_lion_32bit")
_WITHOUT_MOMENTS = {"fp32": 8.0, "bf16_mixed": 10.0, "bf16": 4.0}
"""Weights and gradient, and the copies of autocast: bytes for one parameter by precision."""


def bytes_per_parameter(precision: str, optimizer: str) -> float:
    """Bytes of memory for one parameter in training: weights, gradient, state of the optimizer, autocast's copies."""
    moment = 2.0 if precision == "bf16" else 4.0
    state = _STATE.get(optimizer, moment if optimizer in _ONE_MOMENT else 2 * moment)
    return _WITHOUT_MOMENTS[precision] + state
