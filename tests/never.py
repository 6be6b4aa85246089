"""The closed list of attacks that no check of a record alone finds; docs/audit.md has a row for each, in its words.

An attack is named as `tests/mutations.py` and `tests/liars.py` say what they did; a value of an event by its kind and
field, with everything inside it. What is found by nothing and is not here is a hole.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Never:
    """Attacks of one kind: whether a head kept elsewhere differs, and which stage's replay shows them ("" if none)."""

    attacks: tuple[str, ...]
    head: bool = True
    replay: str = ""


MACHINE = (
    "pid",
    "host",
    "program",
    "files",
    "commit",
    "dirty",
    "python",
    "platform",
    "cores",
    "packages",
    "environment",
    "devices",
)

NEVER: dict[str, Never] = {
    "losses, margins, gradients and tokens of training, within what is possible": Never(
        (
            "losses halved, margins trebled",
            "train.step.loss",
            "train.step.margin",
            "train.step.gradient_norm",
            "train.step.tokens",
            "train.start.largest_margin",
        ),
        replay="train",
    ),
    "states that training could go on from": Never(("train.state",)),
    "what training was predicted to take on its machine": Never(("train.predicted",)),
    "how well a model recovers its population": Never(
        (
            "a recovery near the best possible",
            "recovery.measured.population_log_loss",
            "recovery.measured.margin_agreement",
        ),
        replay="recovery",
    ),
    "how far training moved a model, where the models are not here": Never(
        ("update.measured.layers", "update.measured.left_out"), replay="train"
    ),
    "log-probabilities of the reference": Never(
        (
            "log-probabilities of the reference",
            "reference.computed.artifact",
        ),
        replay="train",
    ),
    "tokens that are not those of the texts, with a reference to suit": Never(
        ("tokens of other texts, and their reference",), replay="train"
    ),
    "the base model, where it is not here": Never(
        (
            "model.ready.architecture",
            "model.ready.parameters",
            "model.ready.vocabulary",
            "model.ready.files",
            "model.ready.pretraining_loss",
        ),
        replay="model",
    ),
    "the files of trained models, where they are not here": Never(
        ("the files of a trained model", "train.checkpoint.files")
    ),
    "the early bound of a lottery": Never(
        ("lottery.bounded.pi", "lottery.bounded: left out", "lottery.bounded: repeated"), replay="lottery"
    ),
    "what people preferred: chosen and rejected exchanged in the pairs, and texts in them": Never(
        ("chosen and rejected exchanged in all pairs", "pairs.built.artifact"), replay="pairs"
    ),
    "where the data came from, and what was left out of it": Never(
        ("pairs.built.source", "pairs.built.files", "pairs.built.excluded", "pool.built.files", "pairs.built.unlisted"),
        replay="pairs",
    ),
    "answers that no model gave, with prompts and request keys to suit": Never(
        ("answers that no model gave", "answer.given.finish"),
        replay="answer",
    ),
    "rankings that no judge gave, with replies and scores to suit": Never(
        (
            "rankings that no judge gave, with their replies",
            "replies without a ranking that no judge gave",
        )
    ),
    "judge calls, methods and resamples never asked for, by configuration, keys and plan to suit": Never(
        ("judge calls never asked for", "a method never asked for", "narrower intervals, as asked for")
    ),
    "tokens, requests and details of judge calls": Never(
        (
            "judge.called.attempts",
            "judge.called.prompt_tokens",
            "judge.called.completion_tokens",
            "judge.called.fingerprint",
            "judge.called.finish_reason",
            "judge.called.detail",
        )
    ),
    "another prompt template, named and used": Never(("judge.called.template", "judge.called.prompt")),
    "times, durations and memory": Never(
        (
            "all times in another year",
            "any event: at",
            "unit.completed.seconds",
            "stage.completed.seconds",
            "train.step.seconds",
            "train.step.memory",
            "judge.called.seconds",
        )
    ),
    "program, machine, packages and environment": Never(
        (
            "another program and machine",
            *(f"engine.started.{name}" for name in MACHINE),
            "lottery.solved.solver",
        )
    ),
    "what operators did, and the reasons that people gave": Never(
        (
            "operator.action.action",
            "operator.action.detail",
            "operator.action: left out",
            "operator.action: repeated",
            "operator.action: moved",
            "draw.decided.reason",
            "draw.made.reason",
            "engine.stopped.reason",
            "engine.stopped.outcome",
            "engine.stopped: left out",
        )
    ),
    "where settings came from, and which run this one continues": Never(
        (
            "run.created.origins",
            "run.created.places",
            "run.created.linked_to",
            "run.created.registry",
            "run.created.secret",
        )
    ),
    "the last events cut off, or all of a copy of before put back": Never(
        ("the last event cut off", "cut back to the end of a stage")
    ),
    "signed heads taken out": Never(("signed heads taken out", "head.signed: left out")),
    "the order of types in a level, and prices of 0": Never(("lottery.level.types", "lottery.level.prices")),
    "texts that no event refers to (they are counted)": Never(("a text that no event refers to",), head=False),
    "report, plots, licences, limits and metadata of a bundle, and the verifiers in it": Never(
        (
            "plots/…",
            "report.html",
            "LICENSES.md",
            "LIMITS.md",
            "README.txt",
            "config.toml",
            "ro-crate-metadata.json",
            "versions.json",
            "verify.py",
            "chain.py",
        ),
        head=False,
    ),
    "files in a run's folder that nothing refers to, and its private ones": Never(
        ("a report beside", "an artifact that no event names", "the secret removed"), head=False
    ),
}
"""By the words of its row in docs/audit.md."""


def row_of(what: str) -> str | None:
    """The row that an attack is of, by what it says it did; None where it is of none."""
    place = what.partition(": ")[0]
    for row, entry in NEVER.items():
        for name in entry.attacks:
            if name in (what, place) or place.startswith((f"{name}[", f"{name}.")):
                return row
    return None
