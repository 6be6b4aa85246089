"""All checks that need the standard library alone, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping

from storage.check import Check
from storage.verifier.answers.each_once import check_answers
from storage.verifier.beside.checkpoints import check_checkpoints
from storage.verifier.beside.given import check_given
from storage.verifier.contents.constitution import check_constitution
from storage.verifier.contents.draws import check_draws
from storage.verifier.contents.judgements import check_judge_calls, check_leaderboards
from storage.verifier.contents.lotteries import check_lotteries, check_solver
from storage.verifier.contents.pairs import check_pairs
from storage.verifier.contents.pool import check_pool, check_quotas
from storage.verifier.contents.published_people import check_published_people
from storage.verifier.contents.questions import check_questions
from storage.verifier.contents.replies import check_replies
from storage.verifier.contents.values import check_times, check_values
from storage.verifier.contents.whole import (
    check_artifacts,
    check_blobs,
    check_chain,
    check_events,
    check_file,
    check_genesis,
    check_schema,
    check_units,
)
from storage.verifier.ground.finding import Step, concluded
from storage.verifier.ground.record import Record
from storage.verifier.ground.stages import check_seeds, check_stages
from storage.verifier.judges.judge_findings import check_judge_findings
from storage.verifier.ranking.estimates import check_estimates
from storage.verifier.ranking.hypotheses import check_plan
from storage.verifier.ranking.juries import check_juries
from storage.verifier.ranking.order_stands import check_robustness
from storage.verifier.ranking.published_numbers import check_published
from storage.verifier.training.held_out import check_held_out
from storage.verifier.training.recoveries import check_recovery
from storage.verifier.training.reference import check_reference
from storage.verifier.training.tokens import check_tokens
from storage.verifier.training.trained import check_training
from storage.verifier.training.updates import check_updates
from storage.verifier.training.weights import check_weights

CHECKS: dict[str, Step] = {
    "file": check_file,
    "schema": check_schema,
    "chain": check_chain,
    "genesis": check_genesis,
    "events": check_events,
    "values": check_values,
    "times": check_times,
    "configuration": check_given,
    "units": check_units,
    "stages": check_stages,
    "seeds": check_seeds,
    "blobs": check_blobs,
    "artifacts": check_artifacts,
    "pairs": check_pairs,
    "pool": check_pool,
    "quotas": check_quotas,
    "lotteries": check_lotteries,
    "solver": check_solver,
    "published people": check_published_people,
    "draws": check_draws,
    "weights": check_weights,
    "training": check_training,
    "tokens": check_tokens,
    "reference": check_reference,
    "checkpoints": check_checkpoints,
    "held-out pairs": check_held_out,
    "updates": check_updates,
    "recovery": check_recovery,
    "questions": check_questions,
    "constitution": check_constitution,
    "answers": check_answers,
    "judge calls": check_judge_calls,
    "replies": check_replies,
    "leaderboards": check_leaderboards,
    "estimates": check_estimates,
    "robustness": check_robustness,
    "judges": check_judge_findings,
    "juries": check_juries,
    "plan": check_plan,
    "published": check_published,
}


def checks_of(record: Record, steps: Mapping[str, Step] = CHECKS) -> list[Check]:
    """The verdict of every check on a record that was read."""
    return [concluded(name, step, record) for name, step in steps.items()]
