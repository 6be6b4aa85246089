"""Every dropout of a model at 0, so that a policy in training computes what its reference computed.

Setting the probability of torch's dropout modules is not enough: Llama's attention, for one, reads a number of its
own module and drops in a function, and other models read their configuration at each call.
"""

from __future__ import annotations

import re
from typing import Any

_NAME = re.compile(r"dropout|pdrop|layerdrop|drop_path|drop_prob")
"""How models call the probability of dropping an activation, an attention weight, a layer or a path."""


def switch_off_dropout(model: Any) -> None:
    """Sets every such number to 0: of all modules, of their configurations, and of what is nested in these."""
    from torch.nn.modules.dropout import _DropoutNd

    seen: set[int] = set()
    for module in model.modules():
        _zero(vars(module), seen)
        if isinstance(module, _DropoutNd):
            module.p = 0.0


def _zero(values: dict[str, Any], seen: set[int]) -> None:
    """Sets the numbers to 0 in a table of attributes, and in the configurations and tables inside it."""
    from transformers import PreTrainedConfig

    if id(values) in seen:
        return
    seen.add(id(values))
    for name, value in values.items():
        if isinstance(value, PreTrainedConfig):
            _zero(vars(value), seen)
        elif isinstance(value, dict):
            _zero(value, seen)
        elif isinstance(value, int | float) and not isinstance(value, bool) and _NAME.search(str(name)):
            values[name] = type(value)(0)
