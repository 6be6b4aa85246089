"""Whole records written anew by somebody who knows the program and lies about one thing: every lie is told by a check.

Each attack changes events and all that depends on them as far as a liar can, and computes the chain anew, so that
only what does not follow from the rest can give it away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from draw_runs import IDS, PEOPLE, QUOTAS
from rewritten import Row, forged
from verified_runs import make_drawn_run

from core.config_file import parse_config
from core.evaluation.prompts import quoted_case
from core.events import digest, encode_text
from core.types import Question
from storage.check import Check
from storage.record.codec import canonical
from storage.record.create import create_run
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.contents.prompts import Case
from storage.verifier.contents.texts import Texts
from storage.verifier.ground.ledger import HOME_STAGES
from storage.verifier.ground.reading import read_record
from storage.verifier.ground.record import Record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console

Rows = list[Row]
Attack = Callable[[Rows], Rows]
BY_PROGRAM_ALONE = {"solver"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_drawn_run(tmp_path_factory.mktemp("drawn"))


def failed(checks: Iterable[Check]) -> set[str]:
    return {check.name for check in checks if check.verdict == "failed"}


def of(rows: Rows, kind: str, **values: Any) -> Rows:
    """The events of a kind with these values, in order."""
    return [r for r in rows if r.kind == kind and all(r.payload.get(name) == value for name, value in values.items())]


def without(rows: Rows, *gone: Row) -> Rows:
    return [row for row in rows if not any(row is one for one in gone)]


def edit(kind: str, change: Callable[[dict[str, Any]], Any], which: int = 0) -> Attack:
    """Changes the payload of one event of a kind."""

    def attack(rows: Rows) -> Rows:
        row = of(rows, kind)[which]
        before = canonical(row.payload)
        change(row.payload)
        assert canonical(row.payload) != before, "nothing was changed"
        return rows

    return attack


def unit_gone(rows: Rows, stage: str, unit: str) -> Rows:
    """A unit taken out, with one unit less in the plan of its stage."""
    for planned in of(rows, "stage.planned", name=stage):
        planned.payload["units"] -= 1
    return without(rows, *(row for row in rows if row.stage == stage and row.payload.get("unit") == unit))


# ------------------------------------------------------------ stages, units, engines, seeds


def _no_diagnostics(rows: Rows) -> Rows:
    return unit_gone(rows, "rank", "diagnostics")


def _judge_left_open(rows: Rows) -> Rows:
    """The judge stage never ended, so that nobody counts its calls; a call that displeased is gone."""
    rows = without(rows, *of(rows, "stage.completed", name="judge"))
    return unit_gone(rows, "judge", of(rows, "judge.called")[5].payload["unit"])


def _later_pool(rows: Rows) -> Rows:
    """A second pool, in a unit of no stage's plan: views take raters and their types from the last one."""
    pool = of(rows, "pool.built")[0]
    raters = [dict(rater, type=0) for rater in pool.payload["raters"]]
    return [
        *rows[:-1],
        Row(rows[-1].at, "notes", "pool.built", {**pool.payload, "raters": raters, "unit": "x"}),
        rows[-1],
    ]


def _attempt_left_behind(rows: Rows) -> Rows:
    """A pool of an attempt that was never completed, before the one that was."""
    pool = of(rows, "pool.built")[0]
    place = rows.index(pool)
    end = of(rows, "unit.completed", unit="pool")[0]
    first = Row(pool.at, pool.stage, pool.kind, {**pool.payload, "survey_only": 7})
    pool.payload["attempt"] = end.payload["attempt"] = 2
    return [*rows[:place], first, *rows[place:]]


def _second_opinion(rows: Rows) -> Rows:
    """A judge was asked again although it had answered."""
    call = of(rows, "judge.called")[3]
    end = rows[rows.index(call) + 1]
    asked_before = Row(call.at, call.stage, call.kind, {**call.payload, "ranking": call.payload["ranking"][::-1]})
    call.payload["attempt"] = end.payload["attempt"] = 2
    place = rows.index(call)
    return [*rows[:place], asked_before, *rows[place:]]


def _skipped_ranking(rows: Rows) -> Rows:
    gone = [row for row in rows if row.stage == "rank"]
    place = rows.index(gone[0])
    skipped = Row(gone[0].at, "rank", "stage.skipped", {"name": "rank", "reason": "the judges disagree"})
    return [*rows[:place], skipped, *without(rows[place:], *gone)]


def _no_work_in_an_engine(rows: Rows) -> Rows:
    """The engine is said to have stopped before the ranking."""
    stop = of(rows, "engine.stopped")[-1]
    first = next(i for i, row in enumerate(rows) if row.stage == "rank")
    stop.payload.update(outcome="paused", reason="up to stage judge, as asked")
    return [*rows[:first], stop, *without(rows[first:], stop)]


def _completed_too_early(rows: Rows) -> Rows:
    gone = [row for row in rows if row.stage == "rank"]
    return without(rows, *gone)


# ------------------------------------------------------------ data, lottery, draws


def _pairs_moved(rows: Rows) -> Rows:
    """Five pairs of one rater are another's, in the pool and in all weights."""
    first, second = (rater["rater_id"] for rater in of(rows, "pool.built")[0].payload["raters"][:2])
    by = {first: 5, second: -5}
    for rater in of(rows, "pool.built")[0].payload["raters"]:
        rater["pairs"] += by.get(rater["rater_id"], 0)
    for planned in of(rows, "condition.planned"):
        whole = planned.payload["source"] in ("all", "population")
        for row in planned.payload["weights"]:
            change = by.get(row["rater_id"], 0)
            row["pairs"] += change
            row["weight"] += change if whole else 0
        squares = sum(row["weight"] ** 2 / row["pairs"] for row in planned.payload["weights"])
        total = sum(row["weight"] for row in planned.payload["weights"])
        planned.payload["effective_pairs"] = total**2 / squares if squares else 0
    return rows


def _people_exchanged(rows: Rows) -> Rows:
    """Two people of the pool take each other's type."""
    raters = of(rows, "pool.built")[0].payload["raters"]
    other = next(rater for rater in raters if rater["type"] != raters[0]["type"])
    raters[0]["type"], other["type"] = other["type"], raters[0]["type"]
    return rows


def _types_renumbered(rows: Rows) -> Rows:
    """Another numbering of the types would draw other people from the same seed."""
    pool = of(rows, "pool.built")[0].payload
    for listed in (pool["types"], *(event.payload["types"] for event in of(rows, "lottery.types"))):
        listed[0], listed[1] = {**listed[1], "type": 0}, {**listed[0], "type": 1}
    for rater in pool["raters"]:
        rater["type"] = {0: 1, 1: 0}.get(rater["type"], rater["type"])
    return rows


def _chosen_baseline(rows: Rows) -> Rows:
    """A lottery that was asked for as random, over the panels that its maker preferred."""
    of(rows, "run.created")[0].payload["config"]["lotteries"][0]["algorithm"] = "random"
    solved = of(rows, "lottery.solved")[0].payload
    solved.pop("optimum")
    solved.update(algorithm="random", estimated=True, max_difference=0, standard_error=[0.0] * len(solved["pi"]))
    return without(rows, *of(rows, "lottery.level", lottery=solved["lottery"]))


def _optimum_left_out(rows: Rows) -> Rows:
    edited = of(rows, "lottery.solved")[0].payload
    del edited["optimum"]
    edited["max_difference"] = 0.25
    return rows


def _round_as_the_first_of_a_draw_by_seed(rows: Rows) -> Rows:
    of(rows, "draw.made", draw="main")[0].payload["round"] = 3
    return rows


# ------------------------------------------------------------ training


def _other_schedule(rows: Rows) -> Rows:
    """The schedule of one condition is that of another."""
    planned = [row.payload for row in of(rows, "condition.planned") if "artifact" in row.payload]
    planned[1]["artifact"] = planned[0]["artifact"]
    return rows


# ------------------------------------------------------------ judges


def _ranking_turned(rows: Rows) -> Rows:
    """A ranking is turned round, and every score that anyone can count is counted anew."""
    of(rows, "judge.called")[2].payload["ranking"].reverse()
    return rows


def _called_unusable(rows: Rows) -> Rows:
    call = of(rows, "judge.called")[2].payload
    del call["ranking"]
    call["outcome"] = "malformed"
    return rows


def _other_kind_of_judge(rows: Rows) -> Rows:
    for call in of(rows, "judge.called"):
        call.payload["judge_kind"] = "openai"
    return rows


def _question_renamed(rows: Rows) -> Rows:
    """A question left out in the middle: what comes after it keeps its number, as its judges were asked with it."""
    plan = of(rows, "questions.planned")[0].payload["questions"]
    gone = plan.pop(1)["question_id"]
    for name in {row.payload["unit"] for row in of(rows, "judge.called", question_id=gone)}:
        rows = unit_gone(rows, "judge", name)
    rows = without(rows, *of(rows, "answer.given", question_id=gone))
    rankings = sum("ranking" in call.payload for call in of(rows, "judge.called"))
    for board in of(rows, "leaderboard.computed"):
        board.payload["rankings"] = rankings
    return rows


def _simulated_as_real(rows: Rows) -> Rows:
    rows[0].payload["simulated"] = False
    return rows


def _other_world(rows: Rows) -> Rows:
    """The planted world is taken out of the configuration as well; the stages that need it are still there."""
    rows[0].payload["simulated"] = False
    del rows[0].payload["config"]["data"]["world"]
    return rows


IN_TRAINED: dict[str, tuple[Attack, str]] = {
    "the diagnostics left out, and one unit less planned": (_no_diagnostics, "stages"),
    "a judge call left out of a stage that never ended": (_judge_left_open, "stages"),
    "a later pool that views would show": (_later_pool, "units"),
    "a pool of an attempt that never ended": (_attempt_left_behind, "units"),
    "a judge asked again that had answered": (_second_opinion, "units"),
    "a stage skipped against the configuration": (_skipped_ranking, "stages"),
    "work after the engine had stopped": (_no_work_in_an_engine, "stages"),
    "a run called completed without its ranking": (_completed_too_early, "stages"),
    "an engine that resumed nothing": (edit("engine.started", lambda v: v.update(resumed=True)), "stages"),
    "a failed engine called completed": (edit("engine.stopped", lambda v: v.update(exit_code=1)), "stages"),
    "another key of a stage, from start to end": (
        lambda rows: [
            row for row in rows if not (row.payload.get("name") == "rank" and row.payload.update(key="0" * 64))
        ],
        "stages",
    ),
    "a better grade of replay": (edit("stage.started", lambda v: v.update(replay="re-derive"), 9), "stages"),
    "another seed of a stage": (edit("seed.derived", lambda v: v.update(seed="0" * 64)), "seeds"),
    "dice as the origin of a seed": (edit("seed.derived", lambda v: v.update(origin="thrown dice"), -1), "seeds"),
    "another key as the origin of a seed": (
        edit("seed.derived", lambda v: v.update(origin="public_hash"), -1),
        "seeds",
    ),
    "dice as the origin of a draw": (edit("draw.made", lambda v: v.update(origin="thrown dice")), "draws"),
    "a third round of a draw by seed": (_round_as_the_first_of_a_draw_by_seed, "draws"),
    "pairs of one rater called another's": (_pairs_moved, "pairs"),
    "two people with each other's attributes": (_people_exchanged, "pairs"),
    "another locale": (edit("pool.built", lambda v: v["raters"][0].update(locale="uk")), "pairs"),
    "more responses": (edit("pairs.built", lambda v: v.update(responses=v["responses"] + 1)), "pairs"),
    "types numbered in another order": (_types_renumbered, "pool"),
    "chosen panels called sampled": (_chosen_baseline, "solver"),
    "an optimum left out": (_optimum_left_out, "lotteries"),
    "standard errors of an exact lottery": (
        edit("lottery.solved", lambda v: v.update(standard_error=[0.1] * len(v["pi"]))),
        "lotteries",
    ),
    "a lottery called one of a given number of panels": (
        edit("lottery.solved", lambda v: v.update(method=f"near_{v['method']}")),
        "lotteries",
    ),
    "values in a proof that is one by quotas": (
        edit("lottery.level", lambda v: v.update(values=[[0, "1"]], bound="1")),
        "lotteries",
    ),
    "views of another version": (edit("run.created", lambda v: v.update(views=0)), "genesis"),
    "an exact lottery called estimated": (edit("lottery.solved", lambda v: v.update(estimated=True)), "lotteries"),
    "an early bound of nobody": (edit("lottery.bounded", lambda v: v.update(pi=[0.0] * len(v["pi"]))), "lotteries"),
    "a quota that is said to bind": (
        edit("lottery.level", lambda v: v["binding"].update({"gender: Female (upper)": 0.5})),
        "lotteries",
    ),
    "a quota that binds more": (
        edit("lottery.level", lambda v: v.update(binding={k: 2 * x for k, x in v["binding"].items()})),
        "lotteries",
    ),
    "types said to be without a chance": (
        edit("lottery.diagnosed", lambda v: v.update(without_chance_types=[1])),
        "lotteries",
    ),
    "a category said to be empty": (
        edit("lottery.diagnosed", lambda v: v.update(empty_categories=["gender: Male"])),
        "lotteries",
    ),
    "the schedule of another condition": (_other_schedule, "training"),
    "another learning rate": (edit("train.step", lambda v: v.update(learning_rate=0.1), 1), "training"),
    "another base model": (edit("model.ready", lambda v: v.update(model="some/large-model")), "training"),
    "a checkpoint of another condition": (
        edit("train.checkpoint", lambda v: v.update(folder="checkpoints/x")),
        "training",
    ),
    "a model of fewer steps": (edit("train.checkpoint", lambda v: v.update(step=1)), "training"),
    "an untrained model that recovers": (
        edit("recovery.measured", lambda v: v.update(population_log_loss=0.65)),
        "recovery",
    ),
    "a recovery better than the truth": (
        edit("recovery.measured", lambda v: v.update(population_log_loss=v["floor"] / 2), 2),
        "recovery",
    ),
    "a lower floor": (edit("recovery.measured", lambda v: v.update(floor=v["floor"] / 2), 2), "recovery"),
    "a question left out": (_question_renamed, "questions"),
    "an answer longer than allowed": (edit("answer.given", lambda v: v.update(tokens=999)), "questions"),
    "an answer cut short that was not": (
        edit("answer.given", lambda v: v.update(tokens=1, finish="length")),
        "questions",
    ),
    "a ranking that the reply does not give": (_ranking_turned, "replies"),
    "a good reply called malformed": (_called_unusable, "replies"),
    "planted judges called real ones": (_other_kind_of_judge, "judge calls"),
    "more questions resampled than there are": (
        edit("leaderboard.computed", lambda v: v.update(units=v["units"] + 1)),
        "estimates",
    ),
    "an order called the only one that was not counted": (
        edit("leaderboard.computed", lambda v: "orders" in v["detail"] and v["detail"].update(orders_counted=0), -1),
        "estimates",
    ),
    "made up raters called real ones": (_simulated_as_real, "genesis"),
    "the world that they are from left out too": (_other_world, "stages"),
    "another name in the id": (edit("run.created", lambda v: v.update(run_id="20200101-000000-other")), "genesis"),
}

IN_DRAWN: dict[str, tuple[Attack, str]] = {
    "a notary as the origin of a public draw": (
        lambda rows: [
            r
            for r in rows
            if not (r.payload.get("draw") == "public" and "origin" in r.payload and r.payload.update(origin="a notary"))
        ],
        "draws",
    ),
    "a reason for a draw by seed": (
        lambda rows: [
            r
            for r in rows
            if not (r.kind == "draw.made" and "value" not in r.payload and r.payload.update(reason="unanimous"))
        ],
        "draws",
    ),
    "a panel proposed in another stage": (edit("draw.decided", lambda v: v.update(unit="x", attempt=1)), "units"),
}


def both(root: Path) -> set[str]:
    """The checks that fail by the program, of which the shipped file finds the same but for numpy and solvers."""
    by_program = failed(verify(root))
    alone = failed(checks_of(read_record(root / "audit.db", tree_facts())))
    assert by_program - BY_PROGRAM_ALONE == alone - BY_PROGRAM_ALONE
    return by_program


@pytest.mark.parametrize("what", IN_TRAINED)
def test_a_lie_in_a_trained_run_is_told(what: str, trained: Path, tmp_path: Path) -> None:
    attack, check = IN_TRAINED[what]
    found = both(forged(trained, tmp_path, attack))
    assert check in found
    assert "chain" not in found


@pytest.mark.parametrize("what", IN_DRAWN)
def test_a_lie_in_a_run_of_draws_is_told(what: str, drawn: Path, tmp_path: Path) -> None:
    attack, check = IN_DRAWN[what]
    found = both(forged(drawn, tmp_path, attack))
    assert check in found
    assert "chain" not in found


# ------------------------------------------------------------ what the verifier knows of the program


def test_a_way_to_a_lottery_that_nobody_knows_is_unchecked(trained: Path, tmp_path: Path) -> None:
    """Its words would be shown as they stand."""
    root = forged(trained, tmp_path, edit("lottery.solved", lambda v: v.update(method="proved by a notary")))
    (check,) = [check for check in verify(root) if check.name == "lotteries"]
    assert (check.verdict, "proved by a notary" in check.detail) == ("unchecked", True)


def test_every_kind_of_event_has_a_home_or_any_stage() -> None:
    anywhere = {"stage.started", "stage.planned", "stage.completed", "stage.skipped", "unit.completed", "seed.derived"}
    assert HOME_STAGES.keys() | anywhere == tree_facts().kinds.keys()


def test_blobs_of_an_attack_can_be_added(trained: Path, tmp_path: Path) -> None:
    """The ranking, and the reply too, are changed: that is what a judge really said, and no record can tell."""
    reply = b'["base"]'

    def attack(rows: Rows) -> Rows:
        call = of(rows, "judge.called")[2].payload
        call["reply"] = {"sha256": digest(reply)}
        return rows

    assert "replies" in both(forged(trained, tmp_path, attack, reply))


# ------------------------------------------------------------ sampled lotteries


def _baseline_run(folder: Path, algorithm: str) -> Path:
    people, quotas = folder / "people.csv", folder / "quotas.csv"
    rows = [f"{who},{gender},{age}" for who, (gender, age) in zip(IDS, PEOPLE, strict=True)]
    people.write_text("\n".join(["who,gender,age", *rows, ""]), encoding="utf-8")
    quotas.write_text(QUOTAS, encoding="utf-8")
    data = f'format = "tables"\nrespondents = "{people}"\nquotas = "{quotas}"\nid_column = "who"'
    lottery = f'name = "main"\nsize = 8\nalgorithm = "{algorithm}"'
    text = f'[run]\nname = "sampled"\nseed = 5\n[data]\n{data}\n[[lotteries]]\n{lottery}\n'
    root = create_run(parse_config(text), text, folder)
    assert work(root, None, Console(quiet=True)) == 0
    return root


def _panels_exchanged(rows: Rows) -> Rows:
    """The first two panels take each other's number, so that a draw takes another one; π stays as it is."""
    first, second = (row.payload for row in of(rows, "lottery.panel")[:2])
    for name in ("numerator", "probability", "counts"):
        first[name], second[name] = second[name], first[name]
    return rows


@pytest.mark.parametrize("algorithm", ["legacy", "random"])
def test_sampled_panels_are_sampled_again(algorithm: str, tmp_path: Path) -> None:
    root = _baseline_run(tmp_path, algorithm)
    assert {check.verdict for check in verify(root) if check.name in CHECKS} == {"ok"}
    (tmp_path / "forged").mkdir()
    copy = forged(root, tmp_path / "forged", _panels_exchanged)
    assert failed(verify(copy)) == {"solver"}


# ------------------------------------------------------------ prompts


def test_a_prompt_is_the_quoted_case_of_the_program() -> None:
    """Answers with marks of chat templates, quotes, and halves of characters."""
    bodies = ["rule", 'What is "it"?', "<|im_end|> [INST] </s>", "half \ud83d\n<s>", ""]
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE blobs (sha256 TEXT, body BLOB)")
        refs = [{"sha256": digest(encode_text(body))} for body in bodies]
        rows = zip((ref["sha256"] for ref in refs), map(encode_text, bodies), strict=True)
        db.executemany("INSERT INTO blobs VALUES (?, ?)", rows)
        texts = Texts(Record(Path("audit.db"), tree_facts()), db)
        case = Case(texts, (refs[0], refs[1]), {"x": refs[2], "y": refs[3], "z": refs[4]})
        expected = quoted_case(Question("1:0", 1, bodies[0], bodies[1]), [bodies[3], bodies[4], bodies[2]])
        assert case.shown(["y", "z", "x"]) == expected
