"""Endpoints with keys of their own: each key goes to its own host only, and the record names addresses and no key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from both_verifiers import checked
from chat_server import Answer, ChatServer, by_length, completion, error, serving
from commands import dempo
from liars import keys_anew
from memory_recorder import MemoryRecorder, make_context
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.config import RunConfig, resolved
from core.config_file import parse_config
from core.errors import InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.constitution import parse_constitution
from core.evaluation.endpoints.endpoint import endpoint_for, resolve
from core.evaluation.generate import generate_questions
from core.evaluation.stage import judge
from core.pipeline import stage_keys
from core.preflight import check_endpoints
from core.types import Question
from storage.record.reader import Reader
from tui.commands.runs.doctor import examine
from tui.commands.runs.engine import resume
from tui.commands.runs.process import work
from tui.terminal.console import Console

ONE, TWO, OPENAI = "sk-one-0123456789", "sk-two-9876543210", "sk-openai-5555"
FROM_ENVIRONMENT = ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ADMIN_KEY", "DEMPO_KEY_HOSTS")
OF_THE_USER = {
    "OPENAI_ORG_ID": "org-test",
    "OPENAI_PROJECT_ID": "proj-test",
    "OPENAI_CUSTOM_HEADERS": "X-Mine: mine-test",
}


@pytest.fixture(autouse=True)
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name in FROM_ENVIRONMENT:
            patch.delenv(name, raising=False)
        for name, value in {"ONE_API_KEY": ONE, "TWO_API_KEY": TWO, "OPENAI_API_KEY": OPENAI, **OF_THE_USER}.items():
            patch.setenv(name, value)
        yield patch


def place(server: ChatServer) -> str:
    return server.url.removeprefix("http://").removesuffix("/v1")


def endpoint(name: str, base_url: str | None, key_env: str | None = None) -> dict[str, Any]:
    given = {"name": name, "base_url": base_url, "key_env": key_env}
    return {key: value for key, value in given.items() if value is not None}


def config(endpoints: list[dict[str, Any]], *judges: dict[str, Any], **more: Any) -> RunConfig:
    common = {"kind": "openai", "rankings": 1, "retries": 0, "concurrency": 1, "timeout": 10.0}
    listed = [common | {"model": f"m{i}"} | judge for i, judge in enumerate(judges)]
    values = {"run": {"name": "r"}, "data": {}, "endpoints": endpoints, "judge": {"judges": listed}, **more}
    return RunConfig.model_validate(values)


def answers() -> Answers:
    asked = (Question("1:0", 1, "Be kind.", "How?"), Question("1:1", 1, "Be kind.", "Why?"))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def judged_by(settings: RunConfig, folder: Path) -> str:
    """All that the record of a judging holds, as one text."""
    recorder = MemoryRecorder()
    judge(make_context("judge", settings, folder, recorder), answers())
    return str(recorder.events) + str(list(recorder.blobs.values())) + json.dumps(resolved(settings))


# ------------------------------------------------------------ each key to its own host


def test_each_of_two_endpoints_gets_its_own_key_and_the_record_neither(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    quoting = f'{ONE} {TWO} {{"ranking": ["A", "B", "C"]}}'
    with serving(lambda b, n: (200, by_length(b))) as one, serving(lambda b, n: (200, by_length(b))) as two:
        environment.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(one)}, TWO_API_KEY@{place(two)}")
        listed = [endpoint("one", one.url, "ONE_API_KEY"), endpoint("two", two.url, "TWO_API_KEY")]
        settings = config(listed, {"endpoint": "one"}, {"endpoint": "two"})
        record = judged_by(settings, tmp_path)
        one.respond = lambda b, n: (200, completion(quoting.replace(TWO, "")))
        two.respond = lambda b, n: (200, completion(quoting.replace(ONE, "")))
        record += judged_by(settings, tmp_path)
    assert set(one.keys) == {f"Bearer {ONE}"}
    assert set(two.keys) == {f"Bearer {TWO}"}
    sent = str(one.headers + two.headers)
    assert OPENAI not in sent
    assert [value for value in ("org-test", "proj-test", "mine-test") if value in sent] == []
    assert "[key]" in record
    assert ONE not in record
    assert TWO not in record


def test_an_endpoint_with_a_key_and_one_without_sit_in_one_jury(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    """Although OPENAI_API_KEY is set, and may go to this machine."""
    with serving(lambda b, n: (200, by_length(b))) as one, serving(lambda b, n: (200, by_length(b))) as free:
        environment.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(one)}")
        listed = [endpoint("one", one.url, "ONE_API_KEY"), endpoint("free", free.url, "")]
        judged_by(config(listed, {"endpoint": "one"}, {"endpoint": "free"}), tmp_path)
    assert set(one.keys) == {f"Bearer {ONE}"}
    assert len(free.keys) == 2
    for secret in (ONE, TWO, OPENAI, "org-test", "proj-test", "mine-test"):
        assert secret not in str(free.headers)


def test_what_says_who_the_user_is_goes_with_the_key_of_openai(tmp_path: Path) -> None:
    with serving(lambda b, n: (200, by_length(b))) as server:
        judged_by(config([endpoint("mine", server.url)], {"endpoint": "mine"}), tmp_path)
    for told_to_it in (f"Bearer {OPENAI}", "org-test", "proj-test", "mine-test"):
        assert told_to_it in str(server.headers)


@pytest.mark.parametrize(
    ("url", "listed", "sent"),
    [
        ("https://one.example/v1", "ONE_API_KEY@one.example", True),
        ("https://one.example/v1", " a.example ,ONE_API_KEY@One.Example ", True),
        ("https://one.example:8443/v1", "ONE_API_KEY@one.example:8443", True),
        ("https://one.example/v1", "ONE_API_KEY@one.example:443", True),
        ("https://[2001:db8::1]:8443/v1", "ONE_API_KEY@[2001:db8::1]:8443", True),
        ("https://one.example:8444/v1", "ONE_API_KEY@one.example:8443", False),
        ("https://one.example/v1", "one.example", False),
        ("https://one.example/v1", "TWO_API_KEY@one.example", False),
        ("https://one.example/v1", "OPENAI_API_KEY@one.example", False),
        ("https://one.example/v1", "one_api_key@one.example", False),
        ("https://one.example.evil.example/v1", "ONE_API_KEY@one.example", False),
        ("https://api.openai.com/v1", "", False),
        ("https://mine.example/v1", "", False),
        ("http://127.0.0.1:8000/v1", "", False),
        ("http://127.0.0.1:8000/v1", "ONE_API_KEY@127.0.0.1:8000", True),
        ("http://one.example/v1", "ONE_API_KEY@one.example", False),
    ],
)
def test_another_key_goes_only_where_the_user_lists_it(url: str, listed: str, sent: bool) -> None:
    variables = {"ONE_API_KEY": ONE, "DEMPO_KEY_HOSTS": listed, "OPENAI_BASE_URL": "https://mine.example/v1"}
    if sent:
        assert resolve(url, variables, "ONE_API_KEY").key == ONE
        return
    with pytest.raises(JudgeError) as caught:
        resolve(url, variables, "ONE_API_KEY")
    assert ONE not in str(caught.value)


def test_the_key_of_openai_may_be_listed_by_its_name() -> None:
    listed = {"OPENAI_API_KEY": OPENAI, "DEMPO_KEY_HOSTS": "OPENAI_API_KEY@gateway.example"}
    assert resolve("https://gateway.example/v1", listed).key == OPENAI


@pytest.mark.parametrize("url", ["https://evil.example/v1", "http://localhost:9999/v1", "https://api.openai.com/v1"])
def test_a_configuration_cannot_carry_off_any_variable(url: str) -> None:
    """Not to this machine either, where others may listen."""
    variables = {"AWS_SECRET_ACCESS_KEY": "wJalr", "OPENAI_API_KEY": OPENAI, "DEMPO_KEY_HOSTS": "evil.example"}
    with pytest.raises(JudgeError, match="AWS_SECRET_ACCESS_KEY was not set for it") as caught:
        resolve(url, variables, "AWS_SECRET_ACCESS_KEY", "aws")
    assert "wJalr" not in str(caught.value)


def test_what_is_said_can_be_put_into_the_list_as_it_stands() -> None:
    for url in ("https://one.example/v1", "https://one.example:8443/v1", "https://[2001:db8::1]:8443/v1"):
        for variable in ("ONE_API_KEY", "OPENAI_API_KEY"):
            with pytest.raises(JudgeError) as caught:
                resolve(url, {variable: ONE}, variable, "one")
            entry = str(caught.value).partition("send the key there, put ")[2].partition(" into DEMPO_KEY_HOSTS")[0]
            assert resolve(url, {variable: ONE, "DEMPO_KEY_HOSTS": entry}, variable).key == ONE


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "ONE_API_KEY"])
def test_no_key_goes_over_plain_http_beyond_this_machine(variable: str) -> None:
    hosts = "gpu.example, ONE_API_KEY@gpu.example"
    mine = {variable: ONE, "DEMPO_KEY_HOSTS": hosts, "OPENAI_BASE_URL": "http://gpu.example:8000/v1"}
    for base_url in (None, "http://gpu.example:8000/v1", "http://gpu.example/v1"):
        with pytest.raises(JudgeError, match="over plain http beyond this machine, since whoever stands on the way"):
            resolve(base_url, mine, variable)
        assert resolve(base_url, mine, "").key == ""


def test_an_address_of_the_environment_that_cannot_be_read_allows_nothing() -> None:
    for address in ("https://one.example:99999", "https://[one", "one.example"):
        with pytest.raises(JudgeError, match="OPENAI_API_KEY was not set for it"):
            resolve("https://one.example", {"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": address})


def test_a_key_that_no_request_can_carry_is_refused_at_once() -> None:
    with pytest.raises(JudgeError, match="the key in OPENAI_API_KEY holds a character that no request can carry"):
        resolve(None, {"OPENAI_API_KEY": "sk-\u201cquoted\u201d"})


def test_a_rejected_key_is_named_by_its_variable(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    with serving(lambda b, n: (401, error("no"))) as server:
        environment.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(server)}")
        for variable, message in (("ONE_API_KEY", "the key in ONE_API_KEY"), ("", "name the variable that holds one")):
            with pytest.raises(JudgeError, match=message):
                judged_by(config([endpoint("one", server.url, variable)], {"endpoint": "one"}), tmp_path)


@pytest.mark.parametrize("status", [400, 413, 200])
def test_no_part_of_a_key_is_left_where_a_long_text_is_cut_short(
    tmp_path: Path, environment: pytest.MonkeyPatch, status: int
) -> None:
    recorder = MemoryRecorder()
    with serving(lambda b, n: (status, error("x" * 290 + ONE))) as server:
        environment.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(server)}")
        settings = config([endpoint("one", server.url, "ONE_API_KEY")], {"endpoint": "one"})
        with pytest.raises(JudgeError) as caught:
            judge(make_context("judge", settings, tmp_path, recorder), answers())
    assert "xxx[key]" in str(recorder.events)
    assert ONE[:6] not in str(recorder.events) + str(caught.value)


def test_questions_are_written_at_an_endpoint(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    with serving(lambda b, n: (200, completion(json.dumps({"questions": ["How?", "Why?"]})))) as server:
        environment.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(server)}")
        generate = {"model": "writer", "endpoint": "one", "per_clause": 2}
        section = {"constitution": "c.txt", "generate": generate}
        settings = config([endpoint("one", server.url, "ONE_API_KEY")], {}, answer=section)
        assert settings.answer is not None
        assert settings.answer.generate is not None
        constitution = parse_constitution("1. Be kind.\n")
        found = generate_questions(
            make_context("answer", settings, tmp_path), settings.answer.generate, constitution, 2
        )
    assert [question.text for question in found] == ["How?", "Why?"]
    assert server.keys == [f"Bearer {ONE}"]


# ------------------------------------------------------------ what a configuration may say

FILE = """
[run]
name = "r"
[data]
[[endpoints]]
name = "router"
base_url = "https://openrouter.ai/api/v1"
key_env = "OPENROUTER_API_KEY"
[[endpoints]]
name = "here"
[[judge.judges]]
kind = "openai"
model = "some/model"
endpoint = "router"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'endpoint = "router"',
            'endpoint = "route"',
            r"judge 'some/model': endpoint 'route' is not defined \(defined: 'ro",
        ),
        (
            'endpoint = "router"',
            'endpoint = "router"\nbase_url = "https://a.example"',
            "give endpoint or base_url, not both",
        ),
        ('name = "here"', 'name = "router"', "two entries are called 'router'; each endpoint needs a name of its own"),
        ('name = "here"', 'name = "Not This"', "endpoints.1.name"),
        ("OPENROUTER_API_KEY", "sk-or-v1-0123", "endpoints.0.key_env: this is no name of a variable"),
        ("https://openrouter.ai", "https://user:word@openrouter.ai", "holds user info"),
        ('kind = "openai"', 'kind = "local"', "a judge of kind 'local' is asked at no endpoint"),
    ],
)
def test_wrong_endpoints_are_refused_by_the_configuration(old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_config(FILE.replace(old, new))
    assert "sk-or" not in str(caught.value)
    assert "word" not in str(caught.value)


def test_an_unknown_endpoint_of_the_writer_is_refused() -> None:
    section = '[answer]\nconstitution = "c.txt"\n[answer.generate]\nmodel = "w"\nendpoint = "none"\n'
    with pytest.raises(
        InputError, match=r"answer.generate: endpoint 'none' is not defined \(defined: 'router', 'here'\)"
    ):
        parse_config(FILE + section)


def test_an_endpoint_without_an_address_is_the_default_one() -> None:
    settings = parse_config(FILE.replace('endpoint = "router"', 'endpoint = "here"')).config
    (asked,) = settings.asked.values()
    assert endpoint_for(settings, asked, {"OPENAI_API_KEY": OPENAI}).url == "https://api.openai.com/v1"
    elsewhere = {"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": "https://mine.example/v1"}
    assert endpoint_for(settings, asked, elsewhere).url == "https://mine.example/v1"


def test_the_page_shows_a_configuration_that_works() -> None:
    page = (Path(__file__).parent.parent / "docs" / "judging.md").read_text(encoding="utf-8")
    shown = next(block for block in page.split("```toml\n") if 'name = "openai"' in block).partition("```")[0]
    settings = parse_config(f'[run]\nname = "r"\n[data]\n{shown}').config
    variables = {"OPENROUTER_API_KEY": ONE, "OPENAI_API_KEY": OPENAI}
    variables["DEMPO_KEY_HOSTS"] = page.partition("`DEMPO_KEY_HOSTS=")[2].partition("`")[0]
    found = [endpoint_for(settings, asked, variables) for asked in settings.asked.values()]
    assert [(one.name, one.key) for one in found] == [("https://openrouter.ai", ONE), ("http://localhost:8000", "")]


# ------------------------------------------------------------ what a stage's key depends on


def keys(change: Callable[[str], str] = lambda text: text) -> dict[str, str]:
    return stage_keys(parse_config(change(FILE)).config)


def test_stages_depend_on_the_addresses_of_endpoints_that_are_used_and_on_nothing_else_of_them() -> None:
    assert keys(lambda text: text.replace("OPENROUTER_API_KEY", "OTHER_KEY")) == keys()
    assert keys(lambda text: text.replace('"router"', '"other"')) == keys()
    assert keys(lambda text: text.replace('name = "here"', 'name = "here"\nbase_url = "https://a.example"')) == keys()
    address = 'base_url = "https://openrouter.ai/api/v1"'
    assert keys(lambda text: text.replace('endpoint = "router"', address)) == keys()
    moved = keys(lambda text: text.replace("openrouter.ai", "elsewhere.example"))
    assert {name for name, key in moved.items() if key != keys()[name]} == {"judge", "rank"}
    writing = FILE + '[answer]\nconstitution = "c.txt"\n[answer.generate]\nmodel = "w"\nendpoint = "router"\n'
    one = stage_keys(parse_config(writing).config)
    other = stage_keys(parse_config(writing.replace("openrouter.ai", "elsewhere.example")).config)
    assert {name for name in one if one[name] != other[name]} == {"answer", "judge", "rank"}


# ------------------------------------------------------------ before anything runs


def missing(settings: RunConfig) -> list[str]:
    rows = examine(Path("runs"), settings)
    return [f"{row['name']}: {row['detail']}" for row in rows if row["state"] == "missing" and "judge" in row["name"]]


def test_doctor_says_of_a_configuration_which_key_is_missing(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.toml"
    file.write_text(FILE)
    settings = parse_config(FILE).config
    assert missing(settings) == [
        "judge 'some/model': endpoint 'router' (https://openrouter.ai) needs a key: set OPENROUTER_API_KEY; "
        "to use it without a key, give endpoint 'router' key_env = \"\""
    ]
    environment.setenv("OPENROUTER_API_KEY", ONE)
    (said,) = missing(settings)
    assert "put OPENROUTER_API_KEY@openrouter.ai into DEMPO_KEY_HOSTS" in said
    environment.setenv("DEMPO_KEY_HOSTS", "OPENROUTER_API_KEY@openrouter.ai")
    assert missing(settings) == []
    said = dempo("doctor", file).stdout
    assert "with the key in OPENROUTER_API_KEY" in said
    assert ONE not in said


def test_a_run_is_refused_before_it_is_made(tmp_path: Path) -> None:
    endpoints = 'endpoints=[{name="router", base_url="https://openrouter.ai/api/v1", key_env="OPENROUTER_API_KEY"}]'
    asked = 'judge.judges=[{kind="openai", model="m", endpoint="router"}]'
    with pytest.raises(JudgeError, match=r"endpoint 'router' .* needs a key: set OPENROUTER_API_KEY"):
        small_demo(tmp_path, [*TINY, endpoints, asked])
    assert [path.name for path in tmp_path.iterdir()] == ["worlds"]


def test_all_keys_that_are_missing_are_said_at_once_and_each_once(tmp_path: Path) -> None:
    listed = [f'{{name="{name}", base_url="https://{name}.example", key_env="{name.upper()}_KEY"}}' for name in "ab"]
    judges = [f'{{kind="openai", model="{i}", endpoint="{name}"}}' for i, name in enumerate("aab")]
    with pytest.raises(InputError, match="2 things are wrong with this configuration") as caught:
        small_demo(tmp_path, [*TINY, f"endpoints=[{', '.join(listed)}]", f"judge.judges=[{', '.join(judges)}]"])
    assert str(caught.value).count("set A_KEY;") == 1
    assert str(caught.value).count("set B_KEY;") == 1


def test_a_run_that_goes_on_says_at_once_that_a_key_is_gone() -> None:
    listed = [endpoint("one", "https://one.example", "ONE_API_KEY")]
    settings = config(listed, {"endpoint": "one"}, conditions=[{"name": "base", "source": "none"}])
    with pytest.raises(JudgeError, match="judge 'm0': .* put ONE_API_KEY@one.example into DEMPO_KEY_HOSTS"):
        check_endpoints(settings, ["pairs"])
    check_endpoints(settings, ["pairs"], until="answer")
    check_endpoints(settings, ["answer"])  # the stage that is next asks for what it still needs


def test_an_engine_in_the_background_is_not_started_in_vain(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DEMPO_KEY_HOSTS", "ONE_API_KEY@one.example")
    endpoints = 'endpoints=[{name="one", base_url="https://one.example", key_env="ONE_API_KEY"}]'
    root = small_demo(tmp_path, [*TINY, endpoints, 'judge.judges=[{kind="openai", model="m", endpoint="one"}]'])
    environment.delenv("ONE_API_KEY")
    before = Reader(root).newest()
    for start in (lambda: resume(root), lambda: work(root, None, Console(quiet=True))):
        with pytest.raises(JudgeError, match="judge 'm': .* needs a key: set ONE_API_KEY"):
            start()
    assert Reader(root).newest() == before


# ------------------------------------------------------------ record and verification


def writes(body: dict[str, Any], number: int) -> Answer:
    case, _ = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])
    return 200, completion(
        json.dumps({"questions": [f"Number {i} of rule {crc32(case['rule'].encode())}?" for i in range(4)]})
    )


@pytest.fixture(scope="module")
def jury(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose two judges and whose writer of questions are asked at three endpoints, two of them with keys."""
    folder = tmp_path_factory.mktemp("jury")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        one, two = (stack.enter_context(serving(lambda b, n: (200, by_length(b)))) for _ in range(2))
        writer = stack.enter_context(serving(writes))
        for name in (*FROM_ENVIRONMENT, "OPENAI_API_KEY"):
            patch.delenv(name, raising=False)
        patch.setenv("ONE_API_KEY", ONE)
        patch.setenv("TWO_API_KEY", TWO)
        patch.setenv("DEMPO_KEY_HOSTS", f"ONE_API_KEY@{place(one)},TWO_API_KEY@{place(writer)}")
        listed = (("one", one.url, "ONE_API_KEY"), ("two", two.url, ""), ("writer", writer.url, "TWO_API_KEY"))
        endpoints = [f'{{name="{name}", base_url="{url}", key_env="{key}"}}' for name, url, key in listed]
        judges = [f'{{kind="openai", model="m{e}", endpoint="{e}", rankings=1}}' for e in ("one", "two")]
        constitution = folder / "worlds" / "planted-0" / "constitution.txt"
        answer = f'{{constitution="{constitution}", generate={{model="w", endpoint="writer", per_clause=4}}}}'
        overrides = [f"endpoints=[{', '.join(endpoints)}]", f"judge.judges=[{', '.join(judges)}]"]
        root = small_demo(folder, [f"answer={answer}", *TINY, *overrides])
        assert work(root, None, Console(quiet=True)) == 0
    assert set(one.keys) == {f"Bearer {ONE}"}
    assert set(writer.keys) == {f"Bearer {TWO}"}
    return root


def verdicts(root: Path) -> dict[str, str]:
    """What both verifiers find wrong with a run."""
    return {name: check.detail for name, check in checked(root).items() if check.verdict not in ("ok", "unknown")}


def test_a_run_with_endpoints_verifies_and_holds_no_key(jury: Path) -> None:
    assert verdicts(jury) == {}
    for path in (path for path in jury.rglob("*") if path.is_file()):
        assert ONE.encode() not in path.read_bytes()
        assert TWO.encode() not in path.read_bytes()
    (started,) = Reader(jury).query("SELECT payload FROM events WHERE kind = 'engine.started'")
    environment = json.loads(started["payload"])["environment"]
    assert [environment[f"{name}_API_KEY"] for name in ("ONE", "TWO", "OPENAI")] == ["present", "present", "absent"]


def moved(number: int, change: Callable[[list[Row]], None]) -> Callable[[list[Row]], list[Row]]:
    """Another address of an endpoint in the recorded configuration, and what else is changed."""

    def attack(rows: list[Row]) -> list[Row]:
        rows[0].payload["config"]["endpoints"][number]["base_url"] = "https://elsewhere.example/v1"
        change(rows)
        return rows

    return attack


def test_another_address_in_the_recorded_configuration_fails(jury: Path, tmp_path: Path) -> None:
    """Also where all keys of stages are made anew for it."""
    found = verdicts(forged(jury, tmp_path / "key", moved(0, lambda rows: None)))
    assert "stage 'judge': its key" in found["stages"]
    judged = verdicts(forged(jury, tmp_path / "judge", moved(0, keys_anew)))
    assert "its request key is not that of its model, prompt and settings" in judged["replies"]
    written = verdicts(forged(jury, tmp_path / "writer", moved(2, keys_anew)))
    assert "wrote questions of clause 1: its request key is not that of its prompt" in " ".join(written.values())


def test_an_endpoint_that_the_recorded_configuration_lacks_fails(jury: Path, tmp_path: Path) -> None:
    def gone(rows: list[Row]) -> list[Row]:
        del rows[0].payload["config"]["endpoints"][0]
        return rows

    found = verdicts(forged(jury, tmp_path, gone))
    assert "replies" in found
    assert "stages" in found
