"""A solved lottery as the record holds it: plain data that has been through JSON, for tests of its proof."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from core.events import LotteryLevel, LotteryPanel
from core.sortition.leximin.certificate import proof_fields
from core.sortition.leximin.leximin import Leximin
from core.sortition.lottery import lottery_of
from core.sortition.quotas.problem import PanelProblem


def certificate_of(problem: PanelProblem, found: Leximin) -> dict[str, Any]:
    """What `proof.check` reads."""
    made = lottery_of("x", problem, found.panels, [Fraction(float(w)) for w in found.weights])
    levels = [
        LotteryLevel(
            lottery="x",
            level=number,
            probability=level.probability,
            types=list(level.types),
            binding=level.binding,
            **proof_fields(level, problem),
        ).payload()
        for number, level in enumerate(found.levels)
    ]
    panels = [
        LotteryPanel(
            lottery="x",
            panel=p,
            numerator=str(numerator),
            probability=numerator / made.denominator,
            counts=[(t, x) for t, x in enumerate(panel) if x],
        ).payload()
        for p, (panel, numerator) in enumerate(zip(made.panels, made.numerators, strict=True))
    ]
    certificate = {
        "size": problem.size,
        "type_sizes": problem.type_sizes,
        "quotas": [
            {"name": row.name, "lower": row.lower, "upper": row.upper, "types": row.types} for row in problem.rows
        ],
        "levels": levels,
        "panels": panels,
        "denominator": str(made.denominator),
    }
    plain: dict[str, Any] = json.loads(json.dumps(certificate))
    return plain
