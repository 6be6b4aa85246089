"""`dempo replay`: what was recorded comes out again, what was changed or lacks is told, and the run stays as it is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from draw_runs import copied, make_draw_run
from planted_runs import DEMO
from rewritten import Row, changed_first, forged
from test_resume import SMALL

from core.config import resolved
from core.config_file import load_config
from core.data.planted.world_folder import write_world
from core.errors import DempoError, InputError, Stopped, VerificationFailed
from core.events import digest
from core.facts.settings import settings_in
from core.run_folder import RunFolder
from storage.demonstration import demonstrate, shown_as
from storage.draws.public import PublicDraw
from storage.errors import StorageError
from storage.export.export import export_run
from storage.imports.importing import import_bundle
from storage.record.create import create_run
from storage.record.log import Log
from storage.replay import replaying
from storage.replay.compare import Compared, EventVerdict, within
from storage.replay.repetition import Line, Recorded, Repeated
from storage.replay.replaying import Report, StageReplay, replay_run
from storage.replay.rerun import RERUN_TOLERANCE, _same_model
from storage.verifier.ranking.estimates import OF_TEXTS
from storage.verify import verify
from tui.commands.record.replay import replay
from tui.commands.record.replay_text import data_of, text_of
from tui.commands.runs.process import work
from tui.terminal.console import Console

REPLAYED_AT_ONCE = ("pairs", "pool", "lottery", "draw", "conditions", "rank")
LONG = ("model", "train", "recovery", "answer", "judge")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run on a planted world: two trained conditions, one untrained, answers, judge calls and ranks."""
    folder = tmp_path_factory.mktemp("planted")
    world = folder / "world"
    write_world(world, "planted", 0)
    places = [
        f"data.path={world}",
        f"answer.constitution={world / 'constitution.txt'}",
        f"answer.questions={world / 'questions'}",
    ]
    loaded = load_config(DEMO, [*SMALL, "answer.per_clause=4", *places])
    kept = tuple(c for c in loaded.config.conditions if c.name in ("base", "full", "soft"))
    config = loaded.config.model_copy(update={"conditions": kept})
    origins = {key: loaded.origins.get(key, "set") for key, _ in settings_in(resolved(config))}
    loaded = loaded.model_copy(update={"config": config, "origins": origins})
    root = create_run(loaded, DEMO.read_text(encoding="utf-8"), folder)
    assert work(root, None, Console(quiet=True)) == 0
    return root


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on tables with a draw by public randomness: one round rejected, one accepted."""
    root = make_draw_run(tmp_path_factory.mktemp("drawn"))

    def step(do: Callable[[PublicDraw], Any]) -> None:
        with Log.open(RunFolder(root)) as log:
            do(PublicDraw(log, "public"))

    step(lambda draw: draw.commit("a beacon", "hash"))
    step(lambda draw: draw.reveal("first value"))
    step(lambda draw: draw.decide("rejected", "the beacon was late"))
    step(lambda draw: draw.commit("a beacon", "hash"))
    step(lambda draw: draw.reveal("second value"))
    step(lambda draw: draw.accept())
    return root


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where replay may write while it works; the fixture checks that nothing is left there."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def replayed(root: Path, stage: str | None = None, until: int | None = None, everything: bool = False) -> Report:
    return replay_run(root, stage, until, everything)


def stage_of(report: Report, name: str) -> StageReplay:
    return next(stage for stage in report.stages if stage.stage == name)


def events_of(report: Report, kind: str) -> list[Compared]:
    return [event for stage in report.stages for event in stage.events if event.kind == kind]


def tree(root: Path) -> dict[str, str]:
    """Every file below a folder with its content and the time it was written."""
    return {
        str(path.relative_to(root)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in root.rglob("*")
        if path.is_file()
    }


# ---------------------------------------------------------------- agreement


def test_everything_comes_out_again_and_nothing_in_the_run_changes(planted: Path, scratch: Path) -> None:
    before = tree(planted.parent)
    report = replayed(planted, everything=True)
    assert tree(planted.parent) == before
    assert list(scratch.iterdir()) == []
    assert report.drifted == []
    assert {stage.stage for stage in report.stages if stage.outcome == "replayed"} == {*REPLAYED_AT_ONCE, *LONG}
    seen = [event.event for stage in report.stages for event in stage.events]
    assert sorted(seen) == list(range(1, report.until + 1)), "every event has its line"
    for kind in ("pairs.built", "lottery.solved", "draw.made", "condition.planned", "leaderboard.computed"):
        assert {event.verdict for event in events_of(report, kind)} == {"same"}, kind
    for kind in ("train.step", "reference.computed", "recovery.measured", "answer.given", "judge.called"):
        assert {event.verdict for event in events_of(report, kind)} <= {"same", "agrees"}, kind
    assert "bit for bit" in events_of(report, "train.step")[0].detail
    assert events_of(report, "judge.called")[0].grade == "re-run", "planted judges can be asked again"


def test_what_takes_long_is_left_out_unless_it_is_asked_for(planted: Path) -> None:
    report = replayed(planted)
    assert report.drifted == []
    assert [stage.stage for stage in report.stages if stage.outcome == "not replayed"] == list(LONG)
    train = stage_of(report, "train")
    assert train.recorded_seconds is not None
    assert train.detail == f"`--stage train` or `--all` does it (recorded in {train.recorded_seconds:.0f} s)"
    assert {event.verdict for event in train.events} == {"not replayed"}
    assert "the same lottery to the last bit" in stage_of(report, "lottery").detail


def test_only_events_up_to_a_number_are_compared(planted: Path) -> None:
    with Recorded(RunFolder(planted)) as record:
        panel = next(line.seq for line in record.lines if line.kind == "lottery.panel")
    report = replayed(planted, until=panel)
    assert [stage.stage for stage in report.stages] == ["run", "pairs", "pool", "lottery"]
    assert max(event.event or 0 for stage in report.stages for event in stage.events) == panel
    assert report.drifted == [], "a lottery that is half recorded at that event is no drift"
    assert events_of(report, "lottery.panel")[0].verdict == "recorded"
    with pytest.raises(InputError, match="not in the record up to event"):
        replayed(planted, "rank", until=panel)
    with pytest.raises(StorageError, match="has the events 1 to"):
        replayed(planted, until=10**6)


def test_a_public_draw_is_made_again_from_its_commitment_and_value(drawn: Path) -> None:
    report = replayed(drawn, "draw")
    assert report.drifted == []
    accepted = next(event for event in events_of(report, "draw.made") if event.unit == "public")
    assert (accepted.verdict, accepted.detail) == ("same", "made again from its commitment and public value")
    assert [event.verdict for event in events_of(report, "draw.committed")] == ["same", "same"]
    assert [event.grade for event in events_of(report, "draw.decided")] == ["view"]
    assert events_of(report, "draw.alternates")[-1].verdict == "same"


def test_a_forged_public_value_shows_at_every_event_that_follows_from_it(drawn: Path, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "draw.made" and row.payload.get("value") == "second value":
                row.payload["value"] = "another value"
        return rows

    report = replayed(forged(drawn, tmp_path, change), "draw")
    kinds = [(event.kind, event.unit) for event in report.drifted]
    assert ("draw.made", "public") in kinds
    assert ("draw.made", None) in kinds, "the panel as it was proposed"
    assert any("seed: recorded" in event.detail for event in report.drifted)


# ---------------------------------------------------------------- drift


def test_a_changed_score_drifts_at_its_event_with_both_numbers(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was: dict[str, Any] = {}

    def change(rows: list[Row]) -> list[Row]:
        board = next(row for row in rows if row.kind == "leaderboard.computed")
        was.update(score=board.payload["rows"][0]["score"], seq=rows.index(board) + 1)
        board.payload["rows"][0]["score"] = 12.5
        return rows

    root = forged(planted, tmp_path, change)
    assert next(check for check in verify(root) if check.name == "chain").verdict == "ok"
    report = replayed(root)
    (drift,) = report.drifted
    assert drift.event == was["seq"]
    assert drift.detail == f"rows[0].score: recorded 12.5, now {json.dumps(was['score'])}"
    with pytest.raises(VerificationFailed, match=rf"1 event did not come out again; the first is event {was['seq']}"):
        replay(root, "rank", None, everything=False, quiet=True, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is False
    assert asdict(drift) in printed["events"]


def test_a_changed_answer_drifts_with_both_texts(planted: Path, tmp_path: Path) -> None:
    body = b"Nobody said this."
    root = forged(planted, tmp_path, changed_first("answer.given", answer={"sha256": digest(body)}), body)
    report = replayed(root, "answer")
    (drift,) = report.drifted
    assert drift.kind == "answer.given"
    assert 'recorded "Nobody said this."' in drift.detail
    assert "now" in drift.detail


@pytest.mark.long
def test_a_changed_loss_drifts_at_its_step(planted: Path, tmp_path: Path) -> None:
    report = replayed(forged(planted, tmp_path, changed_first("train.step", loss=0.5)), "train")
    (drift,) = report.drifted
    assert drift.kind == "train.step"
    assert drift.detail.startswith("loss: recorded 0.5, now 0.69")


def step_line(loss: float) -> Line:
    numbers = {"loss": loss, "margin": 0.1, "gradient_norm": 2.0, "learning_rate": 0.1, "seconds": 1.0}
    values = {"condition": "full", "step": 1, "rule": 1, **numbers}
    return Line(7, "train", "train.step", "", values, ("full/0001", 1))


def test_numbers_of_a_rerun_agree_within_the_tolerance_and_are_told() -> None:
    again = Repeated("train.step", {**step_line(0.7).values, "seconds": 3.0}, "full/0001")
    near, far = step_line(0.7 + 0.9 * RERUN_TOLERANCE), step_line(0.7 + 1.2 * RERUN_TOLERANCE)
    agrees = within(near, again, RERUN_TOLERANCE)
    assert agrees.verdict == "agrees"
    assert agrees.detail == "loss: recorded 0.709, now 0.7, the largest difference (tolerance 0.01)"
    assert within(far, again, RERUN_TOLERANCE).verdict == "drift"
    assert within(step_line(0.7), again, RERUN_TOLERANCE) == EventVerdict("same")
    broken = replace(again, values={**again.values, "loss": "nan"})
    assert within(step_line(0.7), broken, RERUN_TOLERANCE).verdict == "drift"


def test_models_agree_by_the_distance_of_their_weights(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from core.training.checkpoints import hash_files

    weight = torch.arange(1.0, 101.0)
    for name, factor in (("was", 1.0), ("near", 1.001), ("far", 1.1)):
        (tmp_path / name).mkdir()
        save_file({"w": weight * factor}, tmp_path / name / "model.safetensors")
    files = {name: hash_files(tmp_path / name) for name in ("was", "near", "far")}

    def compared(name: str) -> EventVerdict:
        return _same_model(tmp_path / "was", tmp_path / name, files["was"], files[name])

    assert compared("near").verdict == "agrees"
    assert "0.001 · ‖w‖" in compared("near").detail
    assert compared("far").verdict == "drift"
    (tmp_path / "was" / "model.safetensors").unlink()
    assert compared("near").verdict == "not compared"


# ---------------------------------------------------------------- the lottery


def panels_of(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.kind == "lottery.panel" and row.payload["lottery"] == "main"]


def test_another_lottery_with_the_same_pi_agrees(drawn: Path, tmp_path: Path) -> None:
    def split_and_turn(rows: list[Row]) -> list[Row]:
        """The panels in another order, the most probable one in two halves."""
        panels = panels_of(rows)
        at = rows.index(panels[0])
        most = max(panels, key=lambda row: int(row.payload["numerator"]))
        whole, probability = int(most.payload["numerator"]), most.payload["probability"]
        half = replace(most, payload={**most.payload, "numerator": str(whole // 2), "probability": probability / 2})
        most.payload |= {"numerator": str(whole - whole // 2), "probability": probability / 2}
        turned = [*reversed(panels), half]
        for number, row in enumerate(turned):
            row.payload["panel"] = number
        rows[at : at + len(panels)] = turned
        next(row for row in rows if row.kind == "lottery.solved").payload["panels"] = len(turned)
        return rows

    report = replayed(forged(drawn, tmp_path, split_and_turn), "lottery")
    assert report.drifted == []
    solved = next(event for event in events_of(report, "lottery.solved") if event.unit == "main/panels")
    assert solved.verdict == "agrees"
    assert solved.detail.startswith("max |Δπ| = ")
    assert "another lottery with the same levels and π" in {e.detail for e in events_of(report, "lottery.panel")}


def test_a_lottery_with_another_pi_drifts_with_the_numbers(drawn: Path, tmp_path: Path) -> None:
    def move(rows: list[Row]) -> list[Row]:
        """A tenth of one panel's probability goes to another one; what `lottery.solved` says stays as it was."""
        one, other = panels_of(rows)[:2]
        part = int(one.payload["numerator"]) // 10
        for row, sign in ((one, -1), (other, 1)):
            row.payload["numerator"] = str(int(row.payload["numerator"]) + sign * part)
        return rows

    report = replayed(forged(drawn, tmp_path, move), "lottery")
    kinds = [event.kind for event in report.drifted]
    assert kinds == ["lottery.panel", "lottery.panel", "lottery.solved"]
    assert report.drifted[0].detail.startswith("numerator: recorded ")
    assert "the recorded panels give" in report.drifted[-1].detail


def test_another_level_drifts_although_pi_is_the_same(drawn: Path, tmp_path: Path) -> None:
    report = replayed(forged(drawn, tmp_path, changed_first("lottery.level", exact="1/7")), "lottery")
    (drift,) = report.drifted
    assert drift.kind == "lottery.level"
    assert drift.detail.startswith('exact: recorded "1/7", now ')


# ---------------------------------------------------------------- inputs and versions


def test_missing_and_changed_input_files_are_named_and_never_agree(drawn: Path, tmp_path: Path) -> None:
    people = drawn.parent.parent / "people.csv"
    whole = people.read_text(encoding="utf-8")
    try:
        people.unlink()
        report = replayed(drawn)
        assert stage_of(report, "pool").outcome == "not available"
        assert stage_of(report, "pool").detail == f"the input is not here: {people}"
        assert stage_of(report, "lottery").outcome == "replayed", "later stages take the pool from the record"
        assert not report.drifted
        replay(drawn, None, None, everything=False, quiet=True, as_json=True)
        with pytest.raises(InputError, match="cannot be replayed here: the input is not here"):
            replay(drawn, "pool", None, everything=False, quiet=True, as_json=True)
        people.write_text(whole + "late,w,old\n", encoding="utf-8")
        pool = stage_of(replayed(drawn), "pool")
        assert pool.outcome == "not available"
        assert pool.detail.startswith(f"the input has changed: {people} holds SHA-256 ")
        assert {event.verdict for event in pool.events} == {"not replayed"}
    finally:
        people.write_text(whole, encoding="utf-8")
    assert stage_of(replayed(drawn), "pool").count("drift", "not replayed") == 0


def test_without_the_secret_raters_are_compared_by_their_place(drawn: Path, tmp_path: Path) -> None:
    root = copied(drawn, tmp_path)
    shutil.rmtree(root / "private")
    pool = stage_of(replayed(root, "pool"), "pool")
    assert pool.count("drift") == 0
    assert "compared by place" in pool.detail
    assert not (root / "private").exists()


def test_a_missing_artifact_is_not_available(planted: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(planted, tmp_path / planted.name))
    for path in (root / "artifacts").iterdir():
        path.unlink()
    report = replayed(root)
    assert stage_of(report, "pairs").outcome == "replayed"
    assert stage_of(report, "conditions").outcome == "not available"
    assert stage_of(report, "conditions").detail.endswith("… (the file of the pairs) is not here")
    assert stage_of(report, "rank").outcome == "replayed"


def test_another_stage_version_is_told_and_compared_all_the_same(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = tuple(replace(s, version=9) if s.name == "draw" else s for s in replaying.STAGES)
    monkeypatch.setattr(replaying, "STAGES", stages)
    monkeypatch.setattr("core.pipeline.STAGES", stages)
    monkeypatch.setattr(replaying, "_BY_NAME", {stage.name: stage for stage in stages})
    report = replayed(drawn)
    (change,) = [change for change in report.code if change.what == "stage draw"]
    assert (change.recorded, change.now) == ("version 2", "version 9")
    assert report.drifted == []
    draw = stage_of(report, "draw")
    assert {event.kind for event in draw.events if event.verdict == "changed version"} == {"stage.started"}
    assert {event.verdict for event in events_of(report, "draw.made")} == {"same"}


def test_other_code_and_packages_are_the_first_thing_said(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.program.environment import engine_started

    def later(resumed: bool, secret: bytes) -> Any:
        now = engine_started(resumed, secret)
        packages = {**now.packages, "highspy": "9.9.9"}
        return now.model_copy(update={"commit": "f" * 40, "dirty": False, "packages": packages})

    monkeypatch.setattr("storage.replay.code.engine_started", later)
    report = replayed(drawn, "draw")
    assert report.drifted == [], "a difference of the code alone is told, not failed"
    changes = {change.what: change.now for change in report.code}
    assert changes["commit"] == "f" * 40
    assert changes["highspy"] == "9.9.9"
    second = text_of(report, all_events=False).split("\n\n")[1]
    assert second.startswith("drift of the code: recorded by commit ")
    assert "highspy 9.9.9" in second
    assert {"what": "highspy", "now": "9.9.9"}.items() <= data_of(report)["code"][-1].items()


def test_replies_of_an_api_are_the_record_and_citizens_are_asked_again(planted: Path, tmp_path: Path) -> None:
    def half(rows: list[Row]) -> list[Row]:
        calls = [row for row in rows if row.kind == "judge.called"]
        for row in calls[::2]:
            row.payload["judge_kind"] = "openai"
        return rows

    report = replayed(forged(planted, tmp_path, half), "judge")
    assert report.drifted == []
    by_grade = {event.grade: (event.verdict, event.detail) for event in events_of(report, "judge.called")}
    assert by_grade["not replayable"] == ("recorded", "an API judge: its recorded answer is the record")
    assert by_grade["re-run"][0] == "same"


def test_of_each_judge_it_is_said_whether_it_can_be_asked_again(planted: Path, tmp_path: Path) -> None:
    def behind_an_api(*calls: int) -> Callable[[list[Row]], list[Row]]:
        def change(rows: list[Row]) -> list[Row]:
            called = [row for row in rows if row.kind == "judge.called"]
            for row in called if not calls else [called[i] for i in calls]:
                row.payload |= {"judge_kind": "openai", "judge": "gpt#0"}
            return rows

        return change

    mixed = forged(planted, tmp_path / "mixed", behind_an_api(0))
    left_out = stage_of(replayed(mixed), "judge")
    assert (left_out.grade, left_out.outcome) == ("re-run", "not replayed")
    assert left_out.detail.startswith(
        "`--stage judge` or `--all` asks again: citizens; "
        "behind an API, so that the recorded answers are the record: gpt"
    )
    api = stage_of(replayed(forged(planted, tmp_path / "api", behind_an_api())), "judge")
    assert (api.grade, api.outcome) == ("not replayable", "recorded")
    assert api.detail == "behind an API, so that the recorded answers are the record: gpt"


# ---------------------------------------------------------------- copies that lack something


@pytest.fixture(scope="module")
def redacted(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted run as a redacted bundle brings it: without texts, without the file of the pairs, without models."""
    folder = tmp_path_factory.mktemp("redacted")
    bundle = folder / "run.zip"
    export_run(planted, bundle, redact=True, told=lambda what, done, total: None)
    return Path(import_bundle(bundle, folder / "runs", lambda what, done, total: None).path)


def test_a_redacted_copy_is_replayed_but_for_what_was_withheld(redacted: Path) -> None:
    before = tree(redacted)
    report = replayed(redacted, everything=True)
    assert tree(redacted) == before
    assert report.drifted == []
    outcomes = {stage.stage: stage.outcome for stage in report.stages}
    assert [name for name, outcome in outcomes.items() if outcome == "replayed"] == ["lottery", "draw", "rank"]
    derived = ("leaderboard.computed", "question_agreement.computed", "clauses.scored")
    for kind in ("lottery.solved", "draw.made", "draw.alternates", *derived):
        assert {event.verdict for event in events_of(report, kind)} == {"same"}, kind
    (measured,) = events_of(report, "diagnostics.computed")
    assert measured.verdict == "not compared"
    assert measured.detail.startswith(f"{', '.join(sorted(OF_TEXTS))} take texts of answers that are not here")
    (of_lengths,) = events_of(report, "length_controlled.computed")
    assert (of_lengths.verdict, of_lengths.detail) == ("not compared", "it takes texts of answers that are not here")
    said = {stage.stage: stage.detail for stage in report.stages if stage.outcome == "not available"}
    assert said.keys() == {"pairs", "pool", "conditions", "model", "train", "recovery", "answer", "judge"}
    assert said["pool"] == "the file of the pairs was withheld from this copy"
    assert said["recovery"].startswith("where the input lies was withheld from this copy: world.json, looked for in ")
    assert said["judge"] == said["recovery"]
    assert tempfile.gettempdir() not in text_of(report, all_events=True).replace(str(redacted), "")


def test_a_diagnostic_that_needs_no_text_drifts_in_a_redacted_copy_too(redacted: Path, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        measured = next(row for row in rows if row.kind == "diagnostics.computed")
        measured.payload["values"]["shown_rank_correlation"] = 0.5
        return rows

    (drift,) = replayed(forged(redacted, tmp_path, change), "rank").drifted
    assert drift.kind == "diagnostics.computed"
    assert drift.detail.startswith("values.shown_rank_correlation: recorded 0.5, now ")


@pytest.mark.long
def test_the_demonstration_on_a_redacted_copy_finds_what_was_altered_and_not_what_was_withheld(redacted: Path) -> None:
    rows = {row.altered: row for row in demonstrate(redacted)}
    assert rows["a score"].found_by[-1] == "estimates"
    assert rows["the loss of a training step"].found_by == (), "withheld texts are no finding"
    assert "blobs" in rows["the body of a text"].found_by, "parts about people are texts too"
    panel = rows["the probability of a panel"]
    assert panel.found_by[0] == "lotteries"
    assert "draws" in panel.found_by
    assert re.match(r"lotteries at event \d+ \(\+\d+\)$", shown_as(panel)["found by"])


def test_models_that_are_gone_are_named_by_their_folder_in_the_run(planted: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(planted, tmp_path / planted.name))
    shutil.rmtree(root / "checkpoints" / "full")
    report = replayed(root, "answer")
    assert stage_of(report, "answer").detail == "checkpoints/full is not here"
    printed = text_of(report, all_events=False)
    assert "answer.given" not in printed, "one line for the stage, however many events it has"
    assert f"{len(stage_of(report, 'answer').events):,} not replayed" in printed
    (root / "checkpoints" / "soft" / "model.safetensors").write_bytes(b"another model")
    (root / "checkpoints" / "full").symlink_to(planted / "checkpoints" / "full")
    told = stage_of(replayed(root, "answer"), "answer").detail
    assert told.startswith(f"{root}/checkpoints/soft/model.safetensors does not hold what was recorded")


def test_a_stage_that_was_asked_for_prints_what_drifted_and_numbers_unless_all_is_wanted(
    planted: Path, tmp_path: Path
) -> None:
    report = replayed(forged(planted, tmp_path, changed_first("leaderboard.computed", rankings=7)), "rank")
    (rank,) = report.stages
    (drift,) = report.drifted
    brief, everything = text_of(report, all_events=False), text_of(report, all_events=True)
    assert f"{drift.event}  " in brief
    assert len(everything.splitlines()) - len(brief.splitlines()) == len(rank.events) - 1
    for text in (brief, everything):
        assert text.splitlines()[-1].startswith(f"{len(rank.events)} events: {rank.count('same')} same, ")
        assert text.splitlines()[-1].endswith("1 drift")


# ---------------------------------------------------------------- manners


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_replay_leaves_nothing_behind(
    drawn: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    def broken(ctx: Any, *inputs: Any) -> None:
        assert list(scratch.iterdir()), "the repetition has a folder of its own"
        raise end("stopped here")

    monkeypatch.setitem(replaying._BY_NAME, "draw", replace(replaying._BY_NAME["draw"], run=broken))
    before = tree(drawn)
    if end is KeyboardInterrupt:
        with pytest.raises(Stopped, match="nothing is left"):
            replay(drawn, "draw", None, everything=False, quiet=True, as_json=True)
    else:
        report = replayed(drawn, "draw")
        assert stage_of(report, "draw").detail.startswith("it fails now: RuntimeError: stopped here")
        assert {event.kind for event in report.drifted} >= {"draw.made", "draw.alternates"}
    assert list(scratch.iterdir()) == []
    assert tree(drawn) == before


def test_what_cannot_be_replayed_is_a_sentence(drawn: Path, tmp_path: Path) -> None:
    for name, message in (("nowhere", "there is no stage 'nowhere'"), ("train", "stage 'train' is not in the record")):
        with pytest.raises(InputError, match=message):
            replayed(drawn, name)
    with pytest.raises(DempoError, match="holds no run"):
        replayed(tmp_path)
