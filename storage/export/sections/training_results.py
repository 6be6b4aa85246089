"""What each model trained on, how training went, and what held-out pairs and a planted world say of it."""

from __future__ import annotations

from storage import weight_shares
from storage.export.pages import markup
from storage.export.pages.grid import table
from storage.export.sections.content import Content
from storage.record.rows import ConditionRow, ShareRow, as_rows
from storage.weight_shares import share_table

_CONDITIONS = ("condition", "source", "transform", "estimator", "pairs", "raters", "steps", "batch", "effective_pairs")
_UPDATES = {
    "condition": "condition",
    "l2": "‖Δθ‖",
    "relative": "‖Δθ‖/‖θ‖",
    "rms": "root mean square of Δθ",
    "mean_abs": "mean |Δθ|",
    "changed": "share changed",
    "changed_bf16": "share changed in bf16",
}


def conditions(content: Content) -> str:
    """What each model trained on."""
    remark = (
        "Weight: f(π) of a rater's chance π to be drawn, where the condition is weighted. Effective pairs: (Σω)²/Σω² "
        "over the weights ω of pairs, the effective sample size."
    )
    shown = content.table("conditions", _CONDITIONS, decimals={"effective_pairs": 0})
    if not shown:
        return ""
    warned = weight_shares.not_recommended(as_rows(ConditionRow, content.rows("conditions")))
    return markup.under(
        "What each model trained on",
        shown,
        markup.note(remark),
        *map(markup.note, warned),
        content.see("Weights of raters", "weights"),
    )


def weights(content: Content) -> str:
    """What raters with high and low π are due of the weight, and get."""
    if content.withheld("weight_shares"):
        return content.see("Due and realised weight by tenths of raters", "weight_shares")
    rows = share_table(as_rows(ShareRow, content.rows("weight_shares")))
    tenths = [key for key in (rows[0] if rows else {}) if key.isdigit()]
    shown = [{**row, **{key: _number(row.get(key)) for key in tenths}} for row in rows]
    remark = markup.note(f"{weight_shares.REMARK}.")
    told = table(shown, decimals=dict.fromkeys(tenths, 1))
    return markup.under(weight_shares.HEADING, told, remark) if rows else ""


def _number(text: object) -> object:
    """Shares were made texts of one decimal; what a stranger wrote stays what it is."""
    try:
        return float(str(text))
    except ValueError:
        return text


def curves(content: Content) -> str:
    """Loss and margin of each condition, beside each other on the same axes."""
    return markup.under("How training went", content.plots("training"), content.see("Every step", "train_steps"))


def moved(content: Content) -> str:
    """How far each model moved from the base, as a whole."""
    rows = [row for row in content.rows("updates") if row["layer"] == "all"]
    remark = markup.note("Δθ: trained minus base, over all parameters.")
    tiny = {"rms": -1, "mean_abs": -1, "relative": -1}
    told = table(rows, _UPDATES, decimals=tiny)
    by_layer = content.see("By layer", "updates")
    return markup.under("How far training moved each model", told, remark, by_layer) if rows else ""


def held_out(content: Content) -> str:
    """Held-out pairs: the split, and what was measured after the last step of each condition."""
    remark = (
        "Over pairs: mean over held-out pairs; over raters, category: mean over raters of their own means; lowest "
        "category: the one with the lowest accuracy; accuracy: share of pairs where the model prefers what the rater "
        "preferred; log-loss in nats, ln 2 = 0.693 for the base; intervals are 95 % over resamples of raters."
    )
    last = (row for row in content.rows("heldout") if row["low"] is not None)
    return markup.under(
        "Held-out pairs",
        content.table("heldout_split"),
        _dropped_out(content),
        table(last, whole=content.whole("heldout")),
        content.note(remark, "heldout"),
    )


def _dropped_out(content: Content) -> str:
    """How many raters a condition loses because all their pairs are held out."""
    if not any(content.rows("heldout_split")):
        return ""
    rows = [row for row in content.rows("conditions") if row["held_out_raters"] is not None]
    lost = ", ".join(f"{row['condition']} {row['held_out_raters']}" for row in rows)
    return markup.note(f"Raters who drop out, since all their pairs are held out: {lost}.") if lost else ""


def recovery(content: Content) -> str:
    """How well each model knows the planted population."""
    remark = (
        "Population log-loss: mean over held-out pairs of citizens of the target population, in nats; lower is better. "
        "Margin agreement: share of those pairs where the model prefers what the citizen prefers; higher is better. No "
        "model can do better than the best possible."
    )
    rows = sorted(content.some("recovery"), key=lambda row: str(row["population_log_loss"]))
    measures = ("population_log_loss", "margin_agreement", "floor", "agreement_ceiling")
    shown = table(rows, decimals=dict.fromkeys(measures, 4))
    return markup.under("Recovery of the planted population", shown, markup.note(remark)) if rows else ""
