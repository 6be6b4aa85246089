"""Texts and names that attack terminals, markup, HTML and SQL: stored exactly, shown harmlessly, run nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sample_run
from commands import dempo
from hypothesis import given, settings
from hypothesis import strategies as st
from records import genesis
from signing import rewrite
from test_app import wait_for
from test_report import harmless as harmless_page
from test_report import report_of

from core.config_file import load_config, parse_config
from core.data.pseudonyms import PLANTED
from core.errors import InputError
from core.events import AnswerGiven, digest, encode_text
from core.run_folder import RunFolder
from core.stage import Context
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import VIEWS
from storage.verify import verify
from tui.app import DempoApp
from tui.screens.run import PANES

MARKUP = "[@click=app.quit]x[/] [bold red]"
TEXTS = {
    "controls": "".join(map(chr, range(32))) + "\x7f" + "".join(map(chr, range(0x80, 0xA0))),
    "escapes": "\x1b[2J\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x9b31m\x1bc",
    "bidirectional": "abc\u202egnp.exe\u202c \u2066isolate\u2069 \u200f\u061c zero\u200bwidth\ufeff",
    "markup": MARKUP,
    "surrogates": "high \ud83d low \ude00 pair \ud83d\ude00",
    "nul": "before\0after\0",
    "sql": "'); DROP TABLE events; --",
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;",
    "lines": "one\r\ntwo\rthree\u2028four\u2029five",
    "marks": "a" + "\u0301" * 50,
    "long": "10 MB, \x1b[2J and \u202e. " * 400_000,
    "empty": "",
}
NAME = "<b>'); DROP TABLE events;--\x1b[2J\x9b31m\u202egnp\u200b\r\x08 " + MARKUP
"""What somebody else's record may call its conditions, categories, judges and stages."""

UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text, in which nothing moves a cursor, reorders or hides."""
    found = UNSEEN.search(text)
    assert found is None, f"{found[0]!r} in {text[max(0, found.start() - 60) : found.end() + 20]!r}"
    return text


# ---- stored exactly


def record_answers(root: Path, texts: dict[str, str]) -> None:
    """Records answers as the stage does, one unit each."""
    config = parse_config('[run]\nname = "hostile"\n[data]\npath = "d"\n').config
    with Log.create(RunFolder(root), genesis(root.name), PLANTED) as log:
        ctx = Context("answer", config, log, RunFolder(root))
        for key, text in texts.items():
            unit = ctx.begin(key)
            given = unit.text(text)
            unit.add(AnswerGiven(condition=key, question_id=key, clause_id=1, answer=given, tokens=1, finish="stop"))
            unit.complete()


def readable(text: str) -> str:
    """What a view shows: NUL, and every byte of a lone surrogate, as U+FFFD."""
    return encode_text(text).decode("utf-8", "replace").replace("\0", "\ufffd")


def stored_exactly(root: Path, texts: dict[str, str]) -> None:
    record_answers(root, texts)
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))
    with Log.open(RunFolder(root)) as log:
        for key, (event,) in log.completed("answer").items():
            text = texts[key]
            assert isinstance(event, AnswerGiven)
            assert event.answer.sha256 == digest(encode_text(text))
            assert log.text(event.answer.sha256) == text
            (row,) = Reader(root).query("SELECT body FROM blobs WHERE sha256 = ?", [event.answer.sha256])
            assert row["body"] == encode_text(text)
    assert {row["condition"]: row["answer"] for row in Reader(root).view("answers")} == {
        key: readable(text) for key, text in texts.items()
    }


def test_every_text_is_stored_byte_by_byte_and_views_show_what_they_can(tmp_path: Path) -> None:
    stored_exactly(tmp_path / "20260101-000000-hostile", TEXTS)


@pytest.mark.long
@given(st.lists(st.text(st.characters(), max_size=30), max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_text_is_stored_exactly(texts: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        stored_exactly(Path(folder) / "20260101-000000-hostile", {f"t{i}": text for i, text in enumerate(texts)})


# ---- refused where it would be a name on disk


@pytest.mark.parametrize("text", [text for key, text in TEXTS.items() if key not in ("long", "surrogates")])
@pytest.mark.parametrize("where", ["run.name", "lottery", "condition", "source"])
def test_a_configuration_with_such_a_name_is_refused_harmlessly(tmp_path: Path, text: str, where: str) -> None:
    quoted = json.dumps(text).replace("\x7f", "\\u007f")
    names = {"run.name": '"fine"', "lottery": '"fine"', "condition": '"fine"', "source": '"all"', where: quoted}
    config = tmp_path / "hostile.toml"
    config.write_text(
        f"[run]\nname = {names['run.name']}\n[data]\npath = 'd'\n[[population.attributes]]\nname = 'age'\n"
        f"column = 'age'\ntargets = {{a = 0.5, b = 0.5}}\n[[lotteries]]\nname = {names['lottery']}\nsize = 2\n"
        f"[[conditions]]\nname = {names['condition']}\nsource = {names['source']}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError):
        load_config(config)
    code, out, err = dempo("run", config, "--runs-dir", tmp_path / "runs")
    assert (code, out) == (2, "")
    harmless(err)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", [TEXTS["escapes"], TEXTS["bidirectional"], TEXTS["sql"], TEXTS["lines"], NAME])
def test_a_name_of_a_run_or_a_view_that_is_none_is_a_harmless_sentence(hostile: Path, text: str) -> None:
    for arguments in (("show", text), ("verify", text), ("show", hostile, "--view", text), ("watch", text)):
        code, out, err = dempo(*arguments, "--runs-dir", hostile.parent)
        assert code in (1, 2)
        assert out == ""
        harmless(err)
    assert Reader(hostile).head()[0] > 0


# ---- shown harmlessly

NAMED = {"hard", "soft", "age", "18-34", "panel4", "citizens#0", "citizens#1", "main", "judge", "accepted", "identity"}
SENTENCES = {"reason", "detail", "origin", "note", "method", "action"}


def renamed(value: Any, key: str = "") -> Any:
    """A payload with hostile names where the sample has its own, and hostile sentences."""
    if isinstance(value, dict):
        return {k if k == "judge" else renamed(k): renamed(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if value in NAMED:
        return f"{value} {NAME}"
    return value + NAME if key in SENTENCES else value


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run whose chain holds and whose names are all hostile: what a bundle from anybody may contain."""
    root = sample_run.make_sample_run(tmp_path_factory.mktemp("hostile"), long_answer=10_000_000)

    def change(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for event in events[1:]:
            event["payload"] = renamed(event["payload"])
            event["stage"] = renamed(event["stage"])
        return events

    rewrite(root, change)
    assert {check.name: check for check in verify(root)}["chain"].verdict == "ok"
    return root


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_printed_harmlessly(hostile: Path, view: str) -> None:
    code, out, err = dempo("show", hostile, "--view", view)
    assert (code, err) == (0, "")
    harmless(out)
    rows = Reader(hostile).view(view)
    assert len(out.splitlines()) == max(len(rows), 0) + 1, "a row stays on its line"


@pytest.mark.parametrize("arguments", [["show"], ["list"], ["verify"], ["watch"], ["head"]])
def test_every_command_prints_harmlessly(hostile: Path, arguments: list[str]) -> None:
    named = [] if arguments == ["list"] else [str(hostile)]
    _, out, err = dempo(*arguments, *named, "--runs-dir", hostile.parent)
    assert out
    harmless(out)
    harmless(err)


@pytest.mark.parametrize(
    "arguments", [["show"], ["show", "--view", "answers"], ["show", "--view", "draws"], ["verify"]]
)
def test_json_holds_everything_and_moves_no_cursor(hostile: Path, arguments: list[str]) -> None:
    _, out, err = dempo(arguments[0], str(hostile), *arguments[1:], "--json")
    harmless(out)
    harmless(err)
    found = json.loads(out)
    if "draws" in arguments:
        assert found["draws"] == Reader(hostile).view("draws")


def test_a_record_with_a_hostile_id_is_named_harmlessly(tmp_path: Path) -> None:
    root = sample_run.make_sample_run(tmp_path)

    def change(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        events[0]["payload"]["run_id"] = NAME
        events[0]["payload"]["name"] = NAME
        return events

    rewrite(root, change)
    for arguments in (["verify", root], ["show", root], ["list"], ["head", root], ["show", root, "--view", "run"]):
        code, out, err = dempo(*arguments, "--runs-dir", tmp_path)
        assert code in (0, 4)
        harmless(out)
        harmless(err)


def test_the_report_of_such_a_run_holds_nothing_that_acts(hostile: Path, tmp_path: Path) -> None:
    shown = report_of(hostile, tmp_path / "run.zip")
    page = harmless_page(shown)
    assert any("DROP TABLE" in words for words in page.words)
    harmless(re.sub(r"\s", " ", shown))
    assert len(shown) < 3_000_000, "ten million characters are cut"


@pytest.mark.long
async def test_the_app_shows_such_a_run_on_every_tab_and_obeys_none_of_it(hostile: Path) -> None:
    app = DempoApp(hostile.parent, 0.25)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter")
        for number, pane in enumerate(PANES, start=1):
            await pilot.press(str(number))
            text = await wait_for(pilot, {"overview": "seed", "quotas": "k = 4"}.get(pane.key, "dempo"))
            for _ in range(3):
                await pilot.press("pagedown")
                await pilot.pause(0.1)
            text += await wait_for(pilot, "dempo")
            harmless(text)
            for y, line in enumerate(text.splitlines()[:40]):
                if "x[/]" in line:
                    await pilot.click(offset=(min(line.index("x[/]"), 119), y))
        assert app.is_running
