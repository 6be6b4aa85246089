"""Whole stories that were never so: a liar who knows the program changes all that follows from one lie as well.

Each is told to a run through the program's own functions, so that nothing derivable gives it away by accident.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from rewritten import Row, rewrite
from token_tables import tables_of

from core.config import from_recorded
from core.events import AgreementComputed, digest
from core.facts.judging.prompts import LABELS, asked_by, case_to_judge, quoted_text, spelled
from core.facts.judging.requests import judging_key, judging_parameters
from core.facts.randomness import RandomStream
from core.facts.stages import STAGE_FACTS, key_of_stage
from core.ranking.judges.findings import findings
from core.ranking.juries import Jury
from core.ranking.leaderboards import Aggregation
from core.ranking.pairwise import pairwise
from core.ranking.robustness.stands import robustness
from core.ranking.stage import board_event
from core.types import Judged, Ranking
from storage.verifier.ground.stages import with_points
from storage.verifier.writer_facts import tree_facts

Rows = list[Row]
Liar = Callable[[random.Random, Path], None]


def of(rows: Rows, kind: str, **values: Any) -> list[dict[str, Any]]:
    """The fields of all events of a kind with these values."""
    found = [row.payload for row in rows if row.kind == kind]
    return [one for one in found if all(one.get(name) == value for name, value in values.items())]


def told(root: Path, lie: Callable[[Rows], Rows | None], texts: list[bytes] | None = None) -> None:
    """Rewrites a run by a lie that changes the events in place, or gives others."""
    rewrite(root, lambda rows: lie(rows) or rows, [] if texts is None else texts)


def text_of(root: Path, name: str) -> str:
    """A text of a record."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        (body,) = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [name]).fetchone()
    return str(body.decode("utf-8", "surrogatepass"))


# ------------------------------------------------------------ what follows from what


def boards_anew(rows: Rows, texts: dict[tuple[str, str], str]) -> None:
    """Leaderboards, findings and agreement of the calls of a single judge as they are now, by the program itself."""
    config = from_recorded(rows[0].payload["config"], rows[0].payload.get("places", {}))
    labels = [judge["label"] for judge in rows[0].payload["config"]["judge"]["judges"]]
    questions = [question["question_id"] for question in of(rows, "questions.planned")[0]["questions"]]
    calls = of(rows, "judge.called")

    def place(call: dict[str, Any]) -> tuple[int, int, int]:
        label, _, index = call["judge"].rpartition("#")
        return labels.index(label), int(index), questions.index(call["question_id"])

    ranked = sorted((call for call in calls if call.get("ranking")), key=place)
    judged = Judged(
        tuple(Ranking(c["question_id"], c["clause_id"], c["judge"], tuple(c["ranking"])) for c in ranked),
        tuple(tuple(c["shown_order"]) for c in ranked),
        {answer: len(text) for answer, text in texts.items()},
        len(calls),
        {answer: len(text.split()) for answer, text in texts.items()},
    )
    stream = RandomStream(config.run.seed, "rank")
    aggregation = Aggregation(judged.rankings, config.rank, stream, lambda done, total, detail: None)
    for board in of(rows, "leaderboard.computed"):
        board.update(board_event(aggregation.leaderboard(board["method"]), len(calls)).payload())
    for event in of(rows, "pairwise.computed"):
        event.update(pairwise(aggregation).payload())
    for found in findings(judged, aggregation.ballots).values():
        for event in of(rows, found.kind):
            event.update(found.payload())
    for event in of(rows, "agreement.computed"):
        event.update(AgreementComputed(rows=Jury(judged.rankings, aggregation).agreement()).payload())
    boards = [aggregation.leaderboard(board["method"]) for board in of(rows, "leaderboard.computed")]
    for event in of(rows, "robustness.computed"):
        event.update(robustness(judged.rankings, aggregation, boards).payload())


def answers_of(root: Path, rows: Rows, new: dict[str, str] | None = None) -> dict[tuple[str, str], str]:
    """Every answer; `new` are texts that the record does not hold yet."""
    found = {}
    for answer in of(rows, "answer.given"):
        name = answer["answer"]["sha256"]
        found[answer["condition"], answer["question_id"]] = (new or {}).get(name) or text_of(root, name)
    return found


def keys_anew(rows: Rows) -> None:
    """The keys of all stages under the configuration as it is now."""
    config, keys = with_points(rows[0].payload["config"], tree_facts().config), {}
    for name, stage in STAGE_FACTS.items():
        needs = [keys[need] for need in stage.needs]
        keys[name] = key_of_stage(name, stage.version, config, rows[0].payload["seed"], needs, stage.config)
    for event in [*of(rows, "stage.started"), *of(rows, "stage.completed")]:
        event["key"] = keys[event["name"]]


def says(call: dict[str, Any], ranking: list[str], texts: list[bytes]) -> None:
    """A judge said another ranking."""
    if call["judge_kind"] == "planted":
        reply = json.dumps(ranking).encode()
    else:
        reply = json.dumps({"ranking": ["ABCDEFGH"[call["shown_order"].index(name)] for name in ranking]}).encode()
    texts.append(reply)
    call.update(ranking=ranking, outcome="ranked", reply={"sha256": digest(reply)}, detail="")


# ------------------------------------------------------------ lies


def _losses(rng: random.Random, root: Path) -> None:
    def lie(rows: Rows) -> None:
        for step in of(rows, "train.step"):
            if step["step"] > 1:
                step.update(loss=step["loss"] / 2, margin=step["margin"] * 3)

    told(root, lie)


def _recovery(rng: random.Random, root: Path) -> None:
    def lie(rows: Rows) -> None:
        for measured in of(rows, "recovery.measured", condition="hard"):
            measured["population_log_loss"] = measured["floor"] + 1e-3

    told(root, lie)


def _reference(rng: random.Random, root: Path) -> None:
    """Log-probabilities of the reference that no model gave."""

    def lie(rows: Rows) -> None:
        computed = of(rows, "reference.computed")[0]
        path = root / "artifacts" / computed["artifact"]["sha256"]
        body = re.sub(rb"-(\d+)\.", lambda found: b"-%d." % (int(found[1]) + 1), path.read_bytes())
        (root / "artifacts" / digest(body)).write_bytes(body)
        computed["artifact"].update(sha256=digest(body), bytes=len(body))

    told(root, lie)


def _tokens(rng: random.Random, root: Path) -> None:
    """One token of the last sequence is another one, and the reference has a log-probability for what comes of it."""

    def lie(rows: Rows) -> None:
        made, computed = of(rows, "tokens.made")[0], of(rows, "reference.computed")[0]
        tables = tables_of((root / "artifacts" / made["artifact"]["sha256"]).read_bytes())
        before = tables.digests()
        tables.ids[-1] ^= 1
        renamed = dict(zip(before, tables.digests(), strict=True))
        reference = json.loads((root / "artifacts" / computed["artifact"]["sha256"]).read_bytes())
        reference["rows"] = sorted([renamed[name], value] for name, value in reference["rows"])
        bodies = (tables.body(), json.dumps(reference, separators=(",", ":")).encode())
        for event, body in zip((made, computed), bodies, strict=True):
            (root / "artifacts" / digest(body)).write_bytes(body)
            event["artifact"].update(sha256=digest(body), bytes=len(body))

    told(root, lie)


def _labels(rng: random.Random, root: Path) -> None:
    """In all pairs what was rejected is what was chosen, and the other way round."""

    def lie(rows: Rows) -> None:
        built = of(rows, "pairs.built")[0]
        path = root / "artifacts" / built["artifact"]["sha256"]
        body = path.read_bytes().replace(b'"chosen"', b'"\0"').replace(b'"rejected"', b'"chosen"')
        lines = [json.loads(line) for line in body.replace(b'"\0"', b'"rejected"').splitlines()]
        again = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
        (root / "artifacts" / digest(again)).write_bytes(again)
        built["artifact"].update(sha256=digest(again), bytes=len(again))

    told(root, lie)


def _models(rng: random.Random, root: Path) -> None:
    """The files of a trained model are said to be others; the models are not in the copy."""

    def lie(rows: Rows) -> None:
        one = rng.choice([one for one in of(rows, "train.checkpoint") if one["files"]])
        one["files"] = {name: digest(hashed.encode()) for name, hashed in one["files"].items()}

    told(root, lie)


def _replies(rng: random.Random, root: Path) -> None:
    """Some judge calls were answered by other rankings."""
    texts: list[bytes] = []

    def lie(rows: Rows) -> None:
        calls = [call for call in of(rows, "judge.called") if call.get("ranking")]
        for call in rng.sample(calls, max(1, len(calls) // 3)):
            says(call, ["hard", *(name for name in call["ranking"] if name != "hard")], texts)
        boards_anew(rows, answers_of(root, rows))

    told(root, lie, texts)


def _no_ranking(rng: random.Random, root: Path) -> None:
    """The replies that displease are said to have been refusals in so many words; no judge gave them."""
    texts = [b"I cannot rank these."]

    def lie(rows: Rows) -> None:
        for call in of(rows, "judge.called", outcome="ranked"):
            if call["judge_kind"] == "openai" and call["ranking"][0] != "hard" and rng.random() < 0.4:
                call.pop("ranking")
                call.update(outcome="malformed", reply={"sha256": digest(texts[0])}, detail="no ranking")
        boards_anew(rows, answers_of(root, rows))

    told(root, lie, texts)


def _answers(rng: random.Random, root: Path) -> None:
    """All answers of one condition are another text; prompts and request keys are made to suit."""
    texts: list[bytes] = []

    def lie(rows: Rows) -> None:
        new: dict[str, str] = {}
        changed: dict[str, str] = {}
        for answer in of(rows, "answer.given", condition="full"):
            body = "z" * len(text_of(root, answer["answer"]["sha256"]))
            texts.append(body.encode())
            new[digest(body.encode())] = body
            changed[answer["question_id"]] = body
            answer["answer"] = {"sha256": digest(body.encode())}
        ask_anew(root, rows, changed, texts)
        boards_anew(rows, answers_of(root, rows, new))

    told(root, lie, texts)


def ask_anew(root: Path, rows: Rows, changed: dict[str, str], texts: list[bytes]) -> None:
    """What judges were asked, and the keys of their requests, with other answers of the condition `full`."""
    config = rows[0].payload["config"]
    planned = of(rows, "questions.planned")[0]
    clauses = {clause["clause_id"]: text_of(root, clause["text"]["sha256"]) for clause in planned["clauses"]}
    asked = {
        one["question_id"]: (quoted_text(clauses[one["clause_id"]]), quoted_text(text_of(root, one["text"]["sha256"])))
        for one in planned["questions"]
    }
    answers = {
        (one["condition"], one["question_id"]): changed[one["question_id"]]
        if one["condition"] == "full"
        else text_of(root, one["answer"]["sha256"])
        for one in of(rows, "answer.given")
    }
    for call in of(rows, "judge.called"):
        order, number = call["shown_order"], call["question_id"]
        case = case_to_judge(*asked[number], [quoted_text(answers[name, number]) for name in order])
        label, _, index = call["judge"].rpartition("#")
        section = next(judge for judge in config["judge"]["judges"] if judge["label"] == label)
        model = section["model"]
        if call["judge_kind"] == "planted":
            world = Path(config["data"]["world"]).name
            key = judging_key(model, None, case, order, int(index), {"world": world})
        else:
            template = json.loads(text_of(root, call["template"]["sha256"]))
            prompt = spelled(asked_by(template, case, LABELS[: len(order)]))
            texts.append(prompt.encode())
            call["prompt"] = {"sha256": digest(prompt.encode())}
            sampling = section.get("temperature", 0.0), section.get("max_tokens", 1024)
            parameters = judging_parameters(
                rows[0].payload["seed"], label, int(index), number, *sampling, section.get("extra_body")
            )
            key = judging_key(model, section["base_url"], prompt, order, int(index), parameters)
        call["request_key"] = key


def _calls_dropped(rng: random.Random, root: Path) -> None:
    """One call less of each judge on each question, as if the configuration had asked for no more."""

    def lie(rows: Rows) -> Rows:
        last = {judge["label"]: judge["rankings"] - 1 for judge in rows[0].payload["config"]["judge"]["judges"]}
        for judge in rows[0].payload["config"]["judge"]["judges"]:
            judge["rankings"] -= 1
        gone = {
            call["unit"]
            for call in of(rows, "judge.called")
            if int(call["judge"].rpartition("#")[2]) == last[call["judge"].rpartition("#")[0]]
        }
        kept = [row for row in rows if not (row.stage == "judge" and row.payload.get("unit") in gone)]
        for planned in of(kept, "stage.planned", name="judge"):
            planned["units"] -= len(gone)
        keys_anew(kept)
        boards_anew(kept, answers_of(root, kept))
        return kept

    told(root, lie)


def _confidence(rng: random.Random, root: Path) -> None:
    """Narrower intervals, as if the configuration had asked for them."""

    def lie(rows: Rows) -> None:
        rows[0].payload["config"]["rank"]["confidence"] = 0.5
        keys_anew(rows)
        boards_anew(rows, answers_of(root, rows))

    told(root, lie)


def _method_gone(rng: random.Random, root: Path) -> None:
    """A method whose winner displeases was never asked for."""

    def lie(rows: Rows) -> Rows:
        gone = rng.choice(rows[0].payload["config"]["rank"]["methods"])
        rows[0].payload["config"]["rank"]["methods"].remove(gone)
        kept = [row for row in rows if not (row.stage == "rank" and row.payload.get("unit") == gone)]
        for planned in of(kept, "stage.planned", name="rank"):
            planned["units"] -= 1
        keys_anew(kept)
        return kept

    told(root, lie)


def _times(rng: random.Random, root: Path) -> None:
    """Everything happened another year."""

    def lie(rows: Rows) -> None:
        for row in rows:
            row.at = "2025" + row.at[4:]

    told(root, lie)


def _cut(rng: random.Random, root: Path) -> None:
    """The record ends earlier, between two stages."""

    def lie(rows: Rows) -> Rows:
        ends = [i for i, row in enumerate(rows) if row.kind == "stage.completed"]
        return rows[: rng.choice(ends) + 1]

    told(root, lie)


def _last_cut(rng: random.Random, root: Path) -> None:
    told(root, lambda rows: rows[:-1])


def _machine(rng: random.Random, root: Path) -> None:
    """Another program, machine and checkout made it."""

    def lie(rows: Rows) -> None:
        for engine in of(rows, "engine.started"):
            engine.update(program="9.9.9", commit="f" * 40, dirty=False, files="0" * 64, platform="Plan 9", devices=[])

    told(root, lie)


def _unsigned(rng: random.Random, root: Path) -> None:
    """Signed heads taken out, as if the run had not been signed."""
    told(root, lambda rows: [row for row in rows if row.kind != "head.signed"])


def kinds_of(root: Path) -> set[str]:
    """The kinds of events that a record holds."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        return {kind for (kind,) in db.execute("SELECT DISTINCT kind FROM events")}


LIARS: dict[str, tuple[Liar, str]] = {
    "losses halved, margins trebled": (_losses, "train.step"),
    "a recovery near the best possible": (_recovery, "recovery.measured"),
    "log-probabilities of the reference": (_reference, "reference.computed"),
    "tokens of other texts, and their reference": (_tokens, "tokens.made"),
    "chosen and rejected exchanged in all pairs": (_labels, "pairs.built"),
    "the files of a trained model": (_models, "train.checkpoint"),
    "rankings that no judge gave, with their replies": (_replies, "judge.called"),
    "replies without a ranking that no judge gave": (_no_ranking, "judge.called"),
    "answers that no model gave": (_answers, "answer.given"),
    "judge calls never asked for": (_calls_dropped, "judge.called"),
    "narrower intervals, as asked for": (_confidence, "leaderboard.computed"),
    "a method never asked for": (_method_gone, "leaderboard.computed"),
    "all times in another year": (_times, "run.created"),
    "cut back to the end of a stage": (_cut, "stage.completed"),
    "the last event cut off": (_last_cut, "run.created"),
    "another program and machine": (_machine, "engine.started"),
    "signed heads taken out": (_unsigned, "head.signed"),
}
"""Each with a kind of event that the run has to hold."""


def story(rng: random.Random, root: Path) -> str:
    """A whole story that was never so: of one that this run gives no occasion for, nothing comes."""
    kinds, before = kinds_of(root), head_of(root)
    possible = [(what, liar) for what, (liar, kind) in LIARS.items() if kind in kinds]
    while True:
        what, liar = rng.choice(possible)
        liar(rng, root)
        if head_of(root) != before:
            return what


def head_of(root: Path) -> tuple[int, str]:
    """Number and hash of the last event."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        seq, hashed = db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return seq, hashed
