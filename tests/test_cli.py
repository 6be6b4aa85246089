"""The command line as a stranger meets it: exit codes, sentences, and JSON on standard output."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import answered, dempo, told
from draw_runs import make_draw_run
from records import small_record
from sample_run import make_sample_run

from core.data.planted.world_folder import write_world
from core.events import StageSkipped
from core.run_folder import RunFolder
from storage.check import Check
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import VIEWS
from tui import cli, opening
from tui.commands.record import verify_command
from tui.terminal.tables import leaderboards, table

KEYS = ["method", "condition", "score", "low", "high", "position"]


@pytest.mark.parametrize(("columns", "wide"), [(80, 80), (120, 120), (200, 120)])
@pytest.mark.parametrize("words", [(), ("draw",), ("verify",)], ids=" ".join)
def test_help_stands_in_frames_as_wide_as_the_terminal(columns: int, wide: int, words: tuple[str, ...]) -> None:
    shown = dempo(*words, "--help", COLUMNS=str(columns))
    assert shown.returncode == 0
    framed = [line for line in shown.stdout.splitlines() if line[:1] in "╭│╰" and line]
    assert [line[:11] for line in framed if line.startswith("╭")][-1] in ("╭─ Commands", "╭─ Options ")
    assert {len(line) for line in framed} == {wide}
    assert {line[-1] for line in framed} == set("╮│╯")
    assert "..." not in "".join(framed), "sentences are whole"


def test_a_wrong_option_or_command_is_told_with_what_to_try() -> None:
    assert "Error: No such option: --nope\n" in told(dempo("show", "--nope"), 2)
    assert "Error: No such command 'shw'. Did you mean 'show'?\n" in told(dempo("shw"), 2)


def test_without_a_terminal_the_app_names_its_twins() -> None:
    assert "`dempo list` and `dempo show RUN` print instead" in told(dempo(), 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "missing.toml"], "cannot read the configuration missing.toml: No such file or directory"),
        (
            ["run", "examples/prism-us.toml", "--until", "draws"],
            "there is no stage 'draws'; the stages are pairs, pool",
        ),
        (["run", "examples/prism-us.toml", "--set", "run.seed=x"], "run.seed: "),
        (["demo", "--world", "flat"], "there is no world 'flat'; the worlds are planted, null, random"),
        (["unknown"], "No such command"),
        (["rank", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_wrong_input_is_a_sentence_with_code_2_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    runs = tmp_path / "runs"
    assert sentence in told(dempo(*arguments, DEMPO_RUNS=str(runs)), 2)
    assert not runs.exists()


def test_a_full_disk_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x/artifacts/y")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(sys, "argv", ["dempo", "list"])
    with pytest.raises(SystemExit) as end:
        opening.main()
    assert end.value.code == 1
    assert "runs/x/artifacts/y: No space left on device; everything finished" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    for command in ("show", "resume", "stop", "verify", "watch", "clone"):
        assert "is called 'x'; `dempo list` shows the runs" in told(dempo(command, "x", "--runs-dir", tmp_path), 2)


def _commands(group: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The names of every command, those of `draw` included."""
    found = []
    for name, command in group.commands.items():
        found += _commands(command, (*above, name)) if hasattr(command, "commands") else [(*above, name)]
    return found


def _runs_dir_of(names: tuple[str, ...], before: list[str], behind: list[str]) -> Path:
    """What a command gets for `runs_dir`; nothing is run."""
    command: Any = typer.main.get_command(cli.app)
    context = command.make_context("dempo", [*before, "…"])
    for name in names:
        command = command.commands[name]
        needed = [p for p in getattr(command, "params", ()) if p.required]
        words = [w for p in needed for w in ([p.opts[0], "1"] if p.param_type_name == "option" else ["1"])]
        words = ["…"] if name != names[-1] else [*words, *behind]
        context = command.make_context(name, words, parent=context)
    return Path(context.params["runs_dir"])


COMMANDS = _commands(typer.main.get_command(cli.app))


def test_every_command_that_names_a_run_can_be_told_where_the_runs_are() -> None:
    assert ("list",) in COMMANDS
    assert ("draw", "commit") in COMMANDS


NO_RUNS = [("feasible",), ("examples",)]
"""Commands that have nothing to do with runs."""


@pytest.mark.parametrize("names", [n for n in COMMANDS if n not in NO_RUNS], ids=" ".join)
def test_a_folder_on_the_command_line_wins_over_the_environment(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _runs_dir_of(names, ["--runs-dir", "before"], []) == Path("before")
    monkeypatch.setenv("DEMPO_RUNS", "environment")
    assert _runs_dir_of(names, [], []) == Path("environment")
    assert _runs_dir_of(names, ["--runs-dir", "before"], []) == Path("before")
    assert _runs_dir_of(names, [], ["--runs-dir", "behind"]) == Path("behind")
    assert _runs_dir_of(names, ["--runs-dir", "before"], ["--runs-dir", "behind"]) == Path("behind")


def test_a_file_that_is_given_for_a_run_is_told_apart(tmp_path: Path) -> None:
    root, bundle = small_record(tmp_path), tmp_path / "my run.zip"
    assert answered(dempo("export", root, "--to", bundle, "--json"))
    for command in ("verify", "show", "replay"):
        assert f"that is a bundle: `dempo import '{bundle}'` first" in told(dempo(command, bundle), 2)
        assert f"give its folder, {root}" in told(dempo(command, root / "audit.db"), 2)


def test_a_head_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    root, place = small_record(tmp_path), tmp_path / "none"
    assert told(dempo("head", root, "--out", place / "head"), 2).endswith(f"dempo: there is no folder {place}\n")
    assert not place.exists()
    assert "cannot write" in told(dempo("head", root, "--out", root / "audit.db" / "head"), 2)


def test_the_list_shows_the_last_stage_that_had_something_to_do(tmp_path: Path) -> None:
    root = make_draw_run(tmp_path, until="lottery")
    with Log.open(RunFolder(root)) as log:
        for name in ("conditions", "judge", "rank"):
            log.record(name, [StageSkipped(name=name, reason="nothing to do")])
    (row,) = answered(dempo("list", "--json", "--runs-dir", root.parent))["runs"]
    assert (row["stage"], row["done"], row["units"]) == ("lottery", 4, 4)


def test_a_run_ends_with_where_it_is_its_head_and_what_to_do_next(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    result = dempo("demo", "--until", "pool", "--runs-dir", runs)
    assert result.returncode == 0, result.stderr
    (root,) = (path for path in runs.iterdir() if (path / "audit.db").is_file())
    assert result.stdout == f"data      300 raters with 9,206 preference pairs\n\nrun: {root}\n"
    head, after = result.stderr.splitlines()[-2:]
    seq, digest = Reader(root).head()
    assert head == f"head: event {seq}, {digest}"
    where = f"--runs-dir {runs}"
    assert after == f"next: `dempo verify {root.name} {where}` checks the record; `dempo {where}` opens the app on it"


def test_missing_data_is_refused_before_a_run_is_created(tmp_path: Path) -> None:
    arguments = ["run", "examples/prism-us.toml", "--set", f"data.path={tmp_path / 'none'}", "--runs-dir", tmp_path]
    assert f"data.path: {tmp_path / 'none'} does not exist" in told(dempo(*arguments), 2)
    assert list(tmp_path.iterdir()) == []


def test_list_and_show_answer_in_json_with_the_columns_of_the_views(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path)
    (row,) = answered(dempo("list", "--json", "--runs-dir", tmp_path))["runs"]
    assert row["run_id"] == root.name
    shown = answered(dempo("show", root.name[:15], "--json", "--runs-dir", tmp_path))
    assert shown["leaderboards"][0].keys() >= set(KEYS)
    rows = answered(dempo("show", root.name, "--view", "quotas", "--json", "--runs-dir", tmp_path))["quotas"]
    assert list(rows[0]) == ["lottery", "attribute", "category", "target", "lower", "upper", "slack", "in_pool"]
    sentence = told(dempo("show", root.name, "--view", "winners", "--runs-dir", tmp_path), 2)
    assert "there is no view 'winners'" in sentence
    assert all(view in sentence for view in VIEWS)


def test_show_prints_stages_leaderboards_and_recovery(tmp_path: Path) -> None:
    root = make_sample_run(tmp_path)
    shown = dempo("show", root, "--runs-dir", tmp_path).stdout
    assert "Leaderboards" in shown
    assert "population log-loss" in shown
    assert "\x1b" not in shown


def test_verify_passes_a_good_record_and_names_what_is_wrong_with_a_changed_one(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    assert answered(dempo("verify", root, "--json"))["ok"] is True
    assert dempo("verify", root).stdout.splitlines()[-1].endswith(": nothing that was checked is wrong")
    moved = root.rename(root.with_name("20260101-000000-other"))
    result = dempo("verify", moved, "--json")
    assert "check 'genesis' failed at event 1" in told(result, 4)
    assert json.loads(result.stdout)["ok"] is False


def test_of_all_failed_checks_the_first_event_is_named_and_an_unknown_one_is_no_break() -> None:
    checks = [
        Check("replies", "unknown", "not all are here", 3),
        Check("weights", "failed", "weight", 90),
        Check("registry", "failed", "it does not name this run"),
        Check("seeds", "failed", "seed", 12),
    ]
    assert verify_command._why_not(checks) == "check 'seeds' failed at event 12: seed"
    assert verify_command._why_not(checks[2:3]) == "check 'registry' failed: it does not name this run"
    signed = [Check("signatures", "unknown", "unknown signer", 4)]
    assert verify_command._why_not(signed) == "check 'signatures' could not be shown: unknown signer"


def test_the_demonstration_takes_no_key_and_no_head(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    for option in ("--key", "--head"):
        assert "leave out --key and --head" in told(dempo("verify", root, "--demo", option, tmp_path / "x"), 2)


def test_rank_prints_the_agreed_json(tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    orders = [["a", "b", "c"], ["a", "c", "b"], ["b", "a", "c"], ["a", "b", "c"]]
    rows = [{"question_id": f"1:{i}", "clause_id": 1, "judge": "j#0", "ranking": o} for i, o in enumerate(orders)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    boards = answered(dempo("rank", path, "--json", "--resamples", "20"))["leaderboards"]
    beside = ["rankings", "resample", "resamples", "confidence", "units", "interval", "mean"]
    assert [list(row) for row in boards] == [[*KEYS, *beside]] * len(boards)
    borda = {row["condition"]: row["score"] for row in boards if row["method"] == "borda"}
    assert borda == {"a": 1.75, "b": 1.0, "c": 0.25}  # by hand: (2+2+1+2)/4, (1+0+2+1)/4, (0+1+0+0)/4
    assert "choose questions, rankings or clauses" in told(dempo("rank", path, "--resample", "votes"), 2)


def test_an_infinite_score_is_still_json(tmp_path: Path) -> None:
    """The published Plackett–Luce variant has no finite score for a condition that is last too often."""
    path = tmp_path / "rankings.jsonl"
    turns = [["a", "b", "c", "d"], ["b", "c", "d", "a"], ["c", "d", "a", "b"], ["d", "a", "b", "c"]]
    orders = [[*turn, "e"] for turn in turns for _ in range(3)] + [["e", *turn] for turn in turns]
    rows = [{"question_id": f"1:{i}", "clause_id": 1, "judge": "j#0", "ranking": o} for i, o in enumerate(orders)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = dempo("rank", path, "--json", "--resamples", "5")
    rows = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))["leaderboards"]
    published = {r["condition"]: r["score"] for r in rows if r["method"] == "plackett_luce_published"}
    assert published["e"] == "-inf"
    assert dempo("rank", path, "--resamples", "5").returncode == 0


def genesis_of(path: str) -> dict[str, Any]:
    return Reader(Path(path)).recorded("SELECT kind, payload FROM events WHERE seq = 1")[0][2]


def test_a_clone_keeps_the_configuration_but_for_what_was_set(tmp_path: Path) -> None:
    write_world(tmp_path / "world", "planted", 0)
    config = tmp_path / "config.toml"
    config.write_text(f'[run]\nname = "first"\nseed = 7\n[data]\npath = "{tmp_path / "world"}"\ndelta = 3\n')
    until = ["--until", "pairs", "--runs-dir", tmp_path / "runs", "--json"]
    first = answered(dempo("run", config, *until))["path"]
    clone = answered(dempo("clone", first, "--set", "run.seed=8", "--set", "run.name=second", *until))["path"]
    (original,) = answered(dempo("show", first, "--view", "run", "--json"))["run"]
    (changed,) = answered(dempo("show", clone, "--view", "run", "--json"))["run"]
    assert (original["seed"], changed["seed"]) == ("7", "8")
    before, after = json.loads(original["config"]), json.loads(changed["config"])
    assert before.pop("run") != after.pop("run")
    assert before == after
    assert genesis_of(clone).get("linked_to") == Reader(Path(first)).first_hash()
    assert "linked_to" not in genesis_of(first)


def test_doctor_says_what_is_here_and_no_secret() -> None:
    result = dempo("doctor", "--json", OPENAI_API_KEY="sk-very-secret", OPENAI_BASE_URL="http://u:p@localhost/v1?k=1")
    rows = {row["name"]: row for row in answered(result)["checks"]}
    assert rows["OPENAI_API_KEY"]["detail"] == "present"
    assert rows["OPENAI_BASE_URL"]["detail"] == "http://localhost/v1"
    assert "very-secret" not in result.stdout + result.stderr


def test_tables_align_and_show_hostile_text_harmlessly() -> None:
    rows = [{"name": "a", "n": 1.5}, {"name": "long \x1b[31mname", "n": 10.25}]
    first, second, third = table(rows).splitlines()
    assert len(second) == len(third)
    assert "\x1b" not in third
    assert first.startswith("name")
    assert leaderboards([]) == ""
