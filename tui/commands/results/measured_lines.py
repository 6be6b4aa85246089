"""What a run measured beside its leaderboards, in lines: weights, speed, costs, held-out pairs, updates, recovery."""

from __future__ import annotations

from decimal import Decimal

from core.facts.judging.costs import money
from storage import weight_shares
from storage.judging.costs import JudgeCosts
from storage.record.reader import Reader
from storage.record.rows import ConditionRow, ShareRow, view_rows
from storage.step_searches import searches_told
from storage.weight_shares import share_table
from tui.terminal import tables

_SPEED = {
    "condition": "condition",
    "answers": "answers",
    "tokens": "tokens",
    "seconds": "seconds",
    "tokens_per_second": "tokens/s",
}

_COSTS = {
    "judge": "judge",
    "calls": "calls",
    "prompt_tokens": "prompt tokens",
    "cached_tokens": "cached",
    "completion_tokens": "reply tokens",
    "reasoning_tokens": "reasoning",
    "cost": "cost",
}


def weight_lines(reader: Reader) -> list[str]:
    """What raters with high and low π are due of the weight, and get; nothing where there is no Soft condition."""
    rows = share_table(view_rows(reader, ShareRow))
    if not rows:
        return []
    remarks = [weight_shares.REMARK, *weight_shares.not_recommended(view_rows(reader, ConditionRow))]
    return [weight_shares.HEADING, "", tables.table(rows), *map(tables.remark, remarks), ""]


def speed_lines(reader: Reader) -> list[str]:
    """How fast models on this machine answered, if any did."""
    rows = reader.view("answer_speed")
    return ["Answers of models on this machine", "", tables.table(rows, _SPEED), ""] if rows else []


def cost_lines(reader: Reader) -> list[str]:
    """What the judges behind endpoints took, if there are any."""
    costs = JudgeCosts.of_run(reader)
    rows = [*([costs.written] if costs.written else []), *costs.answered, *costs.rows]
    if not rows:
        return []
    lines = ["Endpoints: calls, tokens and cost", ""]
    lines.append(tables.table([row | {"cost": _amount(row["cost"])} for row in rows], _COSTS))
    if costs.total is not None:
        of = "" if costs.budget is None else f" of a budget of {_amount(costs.budget)}"
        lines.append(f"  {_amount(costs.total)}{of} by judges, in the currency of the prices")
    return [*lines, *(f"  {note}" for note in costs.notes), ""]


def _amount(amount: Decimal | None) -> str:
    return "unknown" if amount is None else money(amount)


def held_out_lines(reader: Reader) -> list[str]:
    """What was last measured on held-out pairs, if there are any."""
    rows = reader.view("heldout")
    if not rows:
        return []
    heading = "Held-out pairs (accuracy over pairs, macro over raters; of the base 0.500, its log-loss 0.693)"
    return [heading, "", tables.held_out(rows), *map(tables.remark, _of_split(reader)), ""]


def _of_split(reader: Reader) -> list[str]:
    """What is held out, and whom that leaves without a pair to train on."""
    told = [
        f"held out: {row['groups_held_out']} of {row['groups_in_all']} by {row['held_out_by']}, "
        f"of {row['raters']} raters"
        for row in reader.view("heldout_split")
    ]
    planned = [row for row in reader.view("conditions") if row["held_out_raters"]]
    lost = ", ".join(f"{row['condition']} {row['held_out_raters']}" for row in planned)
    return [*told, *([f"raters who drop out, all their pairs being held out: {lost}"] if lost else [])]


def update_lines(reader: Reader) -> list[str]:
    """How far training moved each model, if that was measured."""
    moved = reader.view("updates")
    if not moved:
        return []
    heading = "How far training moved the model (by layer: --view updates)"
    return [heading, "", tables.updates(moved), *map(tables.remark, searches_told(reader)), ""]


def recovery_lines(reader: Reader) -> list[str]:
    """How well each model knows a planted population, where there is one."""
    recovered = reader.view("recovery")
    if not recovered:
        return []
    heading = "Recovery of the planted population (simulated; held-out pairs, lower log-loss is better)"
    return [heading, "", tables.recovery(recovered), ""]
