"""The units of every stage that follow from the configuration, and how many events of each kind they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core.facts.judging.requests import file_unit
from core.facts.ranking.hypotheses import PLAN_UNIT, TESTED_UNIT
from core.facts.ranking.juries import jury_boards, jury_unit
from core.facts.ranking.robustness import ROBUSTNESS_UNIT
from core.facts.sources import has_base, source_kind, trains
from core.facts.training.rules import training_unit, update_unit
from core.facts.training.split import HELD_OUT_UNIT
from storage.verifier.answers.each_once import kind_of_answers
from storage.verifier.answers.of_record import answers_of_record
from storage.verifier.contents.judgements import (
    judges_of_record,
    questions_judged,
    questions_of_record,
    rankings_read,
)
from storage.verifier.contents.published_people import lotteries_with_people
from storage.verifier.ground.finding import brief, broken, one_of, same, sections, spend
from storage.verifier.ground.record import Record
from storage.verifier.ranking.hypotheses import has_plan
from storage.verifier.ranking.juries_asked import (
    has_gold,
    has_juries,
    has_published,
    methods_of_juries,
    ranking_judges,
)
from storage.verifier.training.held_out_split import split_wanted
from storage.verifier.training.realised import shares_in_unit
from storage.verifier.training.steps_match import searches_of

SOME = -1
"""As many events of a kind as there are."""

Contents = dict[str, int]
"""How many events of each kind a unit holds."""


def check_contents(record: Record, name: str) -> int:
    """Compares the completed units of a stage with those that the configuration gives it; how many there are."""
    done = {unit: state for (stage, unit), state in record.ledger.units.items() if stage == name and state.completed}
    state, ended = record.ledger.stages.get(name), record.ledger.ended(name)
    if not done and not ended:
        return 0
    wanted = UNITS[name](record)
    seq = None if state is None else state.ended or state.begun
    for unit in done.keys() - wanted.keys():
        raise broken(f"stage {name!r} holds a unit {brief(unit)} that the configuration does not give it", seq)
    if ended and wanted.keys() - done.keys():
        missing = min(wanted.keys() - done.keys())
        raise broken(f"stage {name!r} has ended without its unit {brief(missing)}", seq)
    for unit, state_of_unit in done.items():
        _same_contents(name, unit, state_of_unit.contents, wanted[unit], seq)
    return len(done)


def _same_contents(name: str, unit: str, found: Any, wanted: Contents, seq: int | None) -> None:
    for kind in found.keys() | wanted.keys():
        number = wanted.get(kind, 0)
        if number != found[kind] and number != SOME:
            told = f"holds {found[kind]} events {kind} instead of {number}"
            raise broken(f"stage {name!r}: its unit {brief(unit)} {told}", seq)


def _names_of(record: Record, key: str, name: str) -> list[str]:
    return list(sections(record.genesis["config"], key, name))


def _alone(unit: str, kind: str) -> Callable[[Record], dict[str, Contents]]:
    return lambda record: {unit: {kind: 1}}


def _lottery_units(record: Record) -> dict[str, Contents]:
    panels = {
        "seed.derived": 1,
        "lottery.bounded": SOME,
        "lottery.level": SOME,
        "lottery.panel": SOME,
        "lottery.solved": 1,
        "lottery.diagnosed": 1,
    }
    names = _names_of(record, "lotteries", "name")
    _named_in_unit(record, [kind for kind in (*panels, "lottery.quotas", "lottery.types") if kind != "seed.derived"])
    _named_in_unit(record, ("people.read", "people.compared"))
    units: dict[str, Contents] = {f"{name}/quotas": {"lottery.quotas": 1, "lottery.types": 1} for name in names}
    for name in lotteries_with_people(record):
        units |= {f"{name}/published": {"people.read": SOME}, f"{name}/compared": {"people.compared": SOME}}
    return units | {f"{name}/panels": panels for name in names}


def _named_in_unit(record: Record, kinds: Iterable[str]) -> None:
    """An event of a lottery's unit speaks of that lottery."""
    for kind in kinds:
        for event in record.counted(kind):
            unit = str(event.unit).rpartition("/")[0]
            same(event.values["lottery"], unit, f"{kind}: the lottery of its unit", event.seq)


def _draw_units(record: Record) -> dict[str, Contents]:
    contents = {"seed.derived": 1, "draw.made": 1, "draw.alternates": 1}
    return dict.fromkeys(_names_of(record, "draws", "id"), contents)


def _condition_units(kind: str, every: bool = True) -> Callable[[Record], dict[str, Contents]]:
    """One unit for each condition, of the same name; without `every`, for those that begin with the base model."""

    def units(record: Record) -> dict[str, Contents]:
        for event in record.counted(kind):
            same(event.values["condition"], event.unit, f"{kind}: the condition of its unit", event.seq)
        listed = sections(record.genesis["config"], "conditions", "name").items()
        return {name: {kind: 1} for name, section in listed if every or has_base(section.get("source"))}

    return units


def _planned_units(record: Record) -> dict[str, Contents]:
    """One unit for each condition, of those with a lottery also what raters get of its weight, from the version of the
    stage on that measures it; and one for the pairs that none of them trains on, where some are held out."""
    for event in record.counted("weights.realised"):
        same(event.values["condition"], event.unit, "weights.realised: the condition of its unit", event.seq)
    listed = sections(record.genesis["config"], "conditions", "name")
    units = {
        name: contents | {"weights.realised": shares_in_unit(record, listed[name].get("source"))}
        for name, contents in _condition_units("condition.planned")(record).items()
    }
    return units if split_wanted(record) is None else units | {HELD_OUT_UNIT: {"heldout.split": 1}}


def _train_units(record: Record) -> dict[str, Contents]:
    some = ("train.start", "train.step", "heldout.measured", "train.state")
    contents = {**dict.fromkeys(some, SOME), "train.checkpoint": 1}
    for kind in (*contents, "steps.matched", "update.measured"):
        unit_of = update_unit if kind == "update.measured" else training_unit
        for event in record.counted(kind):
            same(event.unit, unit_of(event.values["condition"]), f"{kind}: the unit of its condition", event.seq)
    listed = sections(record.genesis["config"], "conditions", "name").items()
    names = [name for name, section in listed if trains(section.get("source"))]
    searches = searches_of(record)
    candidates = [search.named(steps) for search in searches.values() for steps in search.asked]
    units: dict[str, Contents] = {training_unit(name): contents for name in (*names, *candidates)}
    units |= {training_unit(name): {"steps.matched": 1, "train.checkpoint": 1} for name in searches}
    units |= {update_unit(name): {"update.measured": 1} for name in (*names, *candidates)}
    for event in record.counted("train.predicted"):
        same(event.unit, "reference", "the unit of a prediction", event.seq)
    scored: Contents = {"train.predicted": SOME, "reference.computed": 1}
    made: dict[str, Contents] = {"tokens": {"tokens.made": 1}, "reference": scored}
    return made | units if names else {}


def _answer_units(record: Record) -> dict[str, Contents]:
    config = record.genesis["config"]
    units: dict[str, Contents] = {"questions": {"questions.planned": 1}}
    for event in record.counted("questions.generated"):
        same(event.unit, f"clause:{event.values['clause_id']}", "the unit of a clause's questions", event.seq)
    questions = list(questions_of_record(record))
    sizes = _batches(record, len(questions))
    if config["answer"].get("generate"):
        planned = record.counted("questions.planned")
        clauses = [clause["clause_id"] for event in planned for clause in event.values["clauses"]]
        written = [event.values["clause_id"] for event in record.counted("questions.generated")]
        units |= {f"clause:{number}": {"questions.generated": 1} for number in (clauses or written)}
    spend(record, len(questions) * len(_names_of(record, "conditions", "name")))
    for name, section in sections(config, "conditions", "name").items():
        units |= _units_of_condition(name, section.get("source", ""), questions, sizes)
    batch_of = [number for number, size in enumerate(sizes) for _ in range(size)]
    place = dict(zip(questions, batch_of, strict=True))
    for event in answers_of_record(record):
        number = one_of(place, event.values["question_id"], "the planned question", event.seq)
        own = {"answer.given": f"{number:05d}", "answer.read": "answers"}.get(event.kind, event.values["question_id"])
        same(event.unit, f"{event.values['condition']}/{own}", "the unit of an answer", event.seq)
    for kind, own in (("model.linked", "model"), ("answers.read", "answers")):
        for event in record.counted(kind):
            same(event.unit, f"{event.values['condition']}/{own}", f"{kind}: the unit of its condition", event.seq)
    return units


def _batches(record: Record, questions: int) -> list[int]:
    """How many questions each batch holds: as the plan says, else `answer.batch` each."""
    section = record.genesis["config"]["answer"]
    most: int = section["batch"]
    for event in record.counted("questions.planned"):
        sizes: list[int] | None = event.values.get("batches")
        if (sizes is None) != (section.get("batch_tokens") is None):
            raise broken("the plan and the configuration differ in whether batches are by tokens", event.seq)
        if sizes is not None and (sum(sizes) != questions or not all(0 < size <= most for size in sizes)):
            raise broken(f"the planned batches are not of {questions} questions, at most {most} in each", event.seq)
        if sizes is not None:
            return sizes
    return [min(most, questions - start) for start in range(0, questions, most)]


def _units_of_condition(name: str, source: str, questions: list[str], sizes: list[int]) -> dict[str, Contents]:
    """The units in which a condition answers."""
    kind = kind_of_answers(source)
    if kind == "answer.read":
        return {f"{name}/answers": {"answers.read": 1, "answer.read": len(questions)}}
    if kind == "answer.received":
        return {f"{name}/{question}": {"answer.received": 1} for question in questions}
    model: dict[str, Contents] = {f"{name}/model": {"model.linked": 1}} if source_kind(source) == "model" else {}
    return model | {f"{name}/{i:05d}": {"answer.given": size} for i, size in enumerate(sizes)}


def _judge_units(record: Record) -> dict[str, Contents]:
    judges, read = judges_of_record(record), rankings_read(record)
    questions = questions_judged(record)
    spend(record, len(questions) * sum(section["rankings"] for section in judges.values()))
    from_files: dict[str, Contents] = {
        file_unit(label): {"rankings.read": 1} for label, section in judges.items() if section["kind"] == "recorded"
    }
    plan: dict[str, Contents] = {PLAN_UNIT: {"plan.recorded": 1}} if has_plan(record) else {}
    return (
        plan
        | from_files
        | {
            f"{label}#{index}/{question}": {"judge.called": 1}
            for label, section in judges.items()
            for question in questions
            for index in range(read[label].get(question, 0) if section["kind"] == "recorded" else section["rankings"])
        }
    )


def _rank_units(record: Record) -> dict[str, Contents]:
    methods = (record.genesis["config"].get("rank") or {}).get("methods", [])
    for event in record.counted("leaderboard.computed"):
        same(event.values["method"], event.unit, "the unit of a leaderboard", event.seq)
    units: dict[str, Contents] = {method: {"leaderboard.computed": 1} for method in methods}
    units |= {TESTED_UNIT: {"plan.tested": 1}} if has_plan(record) else {}
    return units | {"diagnostics": {"diagnostics.computed": 1}} | _found_units(record) | _jury_units(record)


def _found_units(record: Record) -> dict[str, Contents]:
    """What is found by question, by clause and with lengths held fixed, from the version on that has it."""
    if not has_juries(record):
        return {}
    kinds = {"questions": "question_agreement.computed", "clauses": "clauses.scored"}
    return {unit: {kind: 1} for unit, kind in (kinds | {"length": "length_controlled.computed"}).items()}


def _jury_units(record: Record) -> dict[str, Contents]:
    """Win rates of pairs, whether the order stands, boards of some judges, their agreement, and what people said: from
    the version of the stage on that has them."""
    if not has_juries(record):
        return {}
    units: dict[str, Contents] = {
        "pairwise": {"pairwise.computed": 1},
        "agreement": {"agreement.computed": 1},
        ROBUSTNESS_UNIT: {"robustness.computed": 1},
    }
    for judge, without in jury_boards(ranking_judges(record)):
        units |= {jury_unit(method, judge, without): {"jury.board": 1} for method in methods_of_juries(record)}
    if has_gold(record):
        units |= {"gold": {"gold.read": 1}, "gold/compared": {"gold.compared": 1}}
    if has_published(record):
        units |= {"published": {"published.read": SOME}, "published/compared": {"published.compared": SOME}}
    return units


UNITS: dict[str, Callable[[Record], dict[str, Contents]]] = {
    "pairs": _alone("pairs", "pairs.built"),
    "pool": _alone("pool", "pool.built"),
    "lottery": _lottery_units,
    "draw": _draw_units,
    "conditions": _planned_units,
    "model": _alone("base", "model.ready"),
    "train": _train_units,
    "recovery": _condition_units("recovery.measured", every=False),
    "answer": _answer_units,
    "judge": _judge_units,
    "rank": _rank_units,
}
"""The units of each stage by their names, and what each of them holds."""
