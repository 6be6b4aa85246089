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
