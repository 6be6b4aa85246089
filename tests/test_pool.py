"""Pool and types, the categories of raters, pseudonyms, and what is kept when a run goes on."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context
from orderly import keep_orderly_secret
from prism_folder import ATTRIBUTES, Prism, config, small
from training_world import make_draw, make_lottery

from core.config import RunConfig
from core.config_file import load_config
from core.data import pseudonyms as naming
from core.data import stage
from core.data.pool import build_pool
from core.errors import InputError
from core.events import Event, PairsBuilt, PoolBuilt, UnitCompleted
from core.preflight import preflight
from core.run_folder import RunFolder
from core.sections.what_trains import ConditionSection
from core.sections.who_is_drawn import Attribute
from core.training.planning.weights import rater_weights
from core.types import Pool, PreferencePairs

ROOT = Path(__file__).parent.parent
PAIR = ("p", [("A", 2, True), ("B", 1)])


def run(settings: RunConfig, root: Path, recorder: MemoryRecorder) -> tuple[PreferencePairs, Pool]:
    assert settings.data.path is not None
    survey = settings.data.path / "survey.jsonl"
    if survey.exists():
        keep_orderly_secret(root, [json.loads(line)["user_id"] for line in survey.read_text().splitlines()])
    pairs = stage.pairs(make_context("pairs", settings, root, recorder))
    return pairs, stage.pool(make_context("pool", settings, root, recorder), pairs)


def both(prism: Prism, tmp_path: Path, population: str = ATTRIBUTES) -> tuple[Pool, PairsBuilt, PoolBuilt]:
    recorder = MemoryRecorder()
    _, pool = run(config(prism.write(tmp_path / "data"), population), tmp_path / "run", recorder)
    return pool, recorder.of_kind(PairsBuilt)[0], recorder.of_kind(PoolBuilt)[0]


# ---------------------------------------------------------------- pool and types


def test_raters_without_a_pair_are_left_out_and_counted(tmp_path: Path) -> None:
    pool, _, built = both(small().person("eve"), tmp_path)
    sources = dict(line.split(",") for line in (tmp_path / "run/private/raters.csv").read_text().splitlines()[1:])
    assert [sources[rater.rater_id] for rater in pool.raters] == ["ann", "zoe"]
    assert pool.pairs == (1, 3)
    assert pool.rater == (0, 3)
    assert built.survey_only == 2
    assert [(row.rater_id, row.pairs, row.locale) for row in built.raters] == [
        (pool.raters[0].rater_id, 1, "us"),
        (pool.raters[1].rater_id, 3, "us"),
    ]


def test_types_are_numbered_in_the_order_of_the_targets(tmp_path: Path) -> None:
    prism = Prism()
    people = {"a": ("Female", "Black"), "b": ("Male", "White"), "c": ("Female", "White"), "d": ("Female", "Black")}
    for user, (gender, ethnicity) in people.items():
        prism.person(user, gender=gender, ethnicity={"simplified": ethnicity}).talk(f"c{user}", user, PAIR)
    pool, _, built = both(prism, tmp_path)
    # ATTRIBUTES lists Male before Female and White before Black, so neither order is alphabetical.
    assert pool.attributes == ("gender", "ethnicity")
    assert pool.types == (("Male", "White"), ("Female", "White"), ("Female", "Black"))
    assert pool.type_of == (2, 0, 1, 2)
    assert pool.type_sizes() == (1, 1, 2)
    assert [row.size for row in built.types] == [1, 1, 2]
    assert [dict(rater.attributes) for rater in pool.raters][1] == {"gender": "Male", "ethnicity": "White"}


def test_without_a_population_there_is_one_type(tmp_path: Path) -> None:
    pool, _, _ = both(small(), tmp_path, population="")
    assert (pool.attributes, pool.types, pool.type_of) == ((), ((),), (0, 0))
    assert [dict(rater.attributes) for rater in pool.raters] == [{}, {}]


@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y", "z"]), st.sampled_from(["u", "v"]), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    )
)
def test_every_pool_member_has_the_categories_of_its_type(people: Sequence[tuple[str, str, int]]) -> None:
    import numpy as np

    from core.types import Rater

    attributes = [
        Attribute.model_validate({"name": "a", "column": "a", "targets": {"z": "0.5", "x": "0.2", "y": "0.3"}}),
        Attribute.model_validate({"name": "b", "column": "b", "targets": {"u": "0.5", "v": "0.5"}}),
    ]
    index = np.repeat(np.arange(len(people), dtype=np.int32), [n for _, _, n in people])
    zero = np.zeros(len(index), dtype=np.int32)
    raters = tuple(Rater(f"r{i:02}", {"a": a, "b": b}) for i, (a, b, _) in enumerate(people))
    pairs = PreferencePairs(raters, ((),), ("A", "B"), zero, zero, zero + 1, index)
    built = build_pool(pairs.raters, pairs.pairs_per_rater().tolist(), attributes)
    members = [(f"r{i:02}", [a, b], n) for i, (a, b, n) in enumerate(people) if n]
    assert [(r.rater_id, built.types[r.type].categories, r.pairs) for r in built.raters] == members
    assert built.survey_only == len(people) - len(members)
    assert sum(t.size for t in built.types) == len(members)
    order = [("zxy".index(t.categories[0]), "uv".index(t.categories[1])) for t in built.types]
    assert order == sorted(set(order))


# ---------------------------------------------------------------- categories


@pytest.mark.parametrize("answer", [None, "", "  "])
def test_no_answer_goes_to_prefer_not_to_say_and_is_counted(tmp_path: Path, answer: str | None) -> None:
    prism = small()
    prism.survey[1]["gender"] = answer
    pool, built, _ = both(prism, tmp_path)
    assert pool.raters[0].attributes["gender"] == "Prefer not to say"
    assert (built.excluded["raters_gender_missing"], built.excluded["raters_ethnicity_missing"]) == (1, 0)


def test_no_answer_goes_to_other_where_nobody_may_decline(tmp_path: Path) -> None:
    prism = small()
    prism.survey[1]["ethnicity"] = None  # the whole object is absent, so the dotted column has no value
    population = ATTRIBUTES.replace('"Black" = 0.4', '"Black" = 0.3, "Other" = 0.1')
    pool, built, _ = both(prism, tmp_path, population)
    assert pool.raters[0].attributes["ethnicity"] == "Other"
    assert built.excluded["raters_ethnicity_missing"] == 1


def test_categories_that_are_no_texts_are_read_as_their_json(tmp_path: Path) -> None:
    prism = small()
    for person, value in zip(prism.survey, (True, False, 3), strict=True):
        person["flag"] = value
    population = '[[population.attributes]]\nname="flag"\ncolumn="flag"\ntargets={"true"=0.5,"false"=0.4,"3"=0.1}'
    pool, _, _ = both(prism, tmp_path, population)
    assert pool.types == (("true",), ("false",))


# ---------------------------------------------------------------- answers without a category

AGES = """
[[population.attributes]]
name = "age"
column = "age"
{0}
targets = {{ "young" = 0.5, "old" = 0.5 }}
"""
ANSWERS = {"a": "old", "b": "Prefer not to say", "c": "young", "d": "Prefer not to say", "e": "", "f": "old"}


def aged() -> Prism:
    """Six people with a pair each; two prefer not to tell their age, and one gave no answer."""
    prism = Prism()
    for user, age in ANSWERS.items():
        prism.person(user, age=age, included_in_US_REP=user in "bc").talk(f"c{user}", user, PAIR)
    return prism


def test_people_without_a_category_are_left_out_of_the_pool_and_recorded(tmp_path: Path) -> None:
    pool, built, recorded = both(aged(), tmp_path, AGES.format('unlisted = "leave_out"'))
    assert built.raters == 6
    assert [(row.answer, row.raters, row.category) for row in built.unlisted] == [
        ("", 1, None),
        ("Prefer not to say", 2, None),
    ]
    assert pool.rater == (0, 2, 5)
    assert pool.types == (("young",), ("old",))
    ids = built.rater_ids
    assert [(row.rater_id, row.pairs, row.attributes) for row in recorded.left_out] == [
        (ids[1], 1, ["age"]),
        (ids[3], 1, ["age"]),
        (ids[4], 1, ["age"]),
    ]
    assert recorded.survey_only == 0


def test_people_left_out_are_in_the_conditions_of_all_raters_and_in_no_other(tmp_path: Path) -> None:
    pairs, pool = run(
        config(aged().write(tmp_path / "data"), AGES.format('unlisted = "leave_out"')),
        tmp_path / "run",
        MemoryRecorder(),
    )
    lottery = make_lottery(pool, [(1, 1)], [])
    draw = make_draw((0, 1))

    def weights(source: str) -> list[float]:
        return rater_weights(ConditionSection(name="c", source=source), pairs, pool, (lottery,), (draw,)).tolist()

    assert weights("all") == [1, 1, 1, 1, 1, 1]
    assert weights("us_rep") == [0, 1, 1, 0, 0, 0]
    assert weights("lottery:main") == [0.5, 0, 1, 0, 0, 0.5]
    assert weights("draw:first") == [1, 0, 1, 0, 0, 0]


def test_people_without_a_category_are_taken_for_one_where_the_configuration_says_so(tmp_path: Path) -> None:
    pool, built, recorded = both(aged(), tmp_path, AGES.format('unlisted = "old"'))
    assert [(row.answer, row.raters, row.category) for row in built.unlisted] == [
        ("", 1, "old"),
        ("Prefer not to say", 2, "old"),
    ]
    assert [pool.types[t] for t in pool.type_of] == [("old",), ("old",), ("young",), ("old",), ("old",), ("old",)]
    assert recorded.left_out == []


def test_all_answers_without_a_category_are_told_before_a_refusal(tmp_path: Path) -> None:
    """One at a time, a person starts the run once for every answer."""
    prism = aged()
    prism.survey[0]["gender"] = "Femle"
    folder = prism.write(tmp_path / "data")
    settings = config(folder, AGES.format("") + ATTRIBUTES)
    for refuse in (preflight, stage.read_pool):
        with pytest.raises(InputError) as caught:
            refuse(settings)
        head, *told, remedy = str(caught.value).split("\n  ")
        where = f"{folder}/survey.jsonl, line"
        assert head == "answers of the survey have no category:"
        assert told == [
            f"{where} 2: age is \"Prefer not to say\" (2 people), no category of attribute 'age' (known: young, old)",
            f"{where} 5: age has no value (1 person), no category of attribute 'age' (known: young, old)",
            f"{where} 1: gender is \"Femle\" (1 person), no category of attribute 'gender' (known: Male, Female, "
            "Prefer not to say)",
        ]
        assert 'unlisted = "leave_out"' in remedy


def test_a_column_of_free_text_does_not_flood_the_message(tmp_path: Path) -> None:
    prism = Prism()
    for i in range(30):
        prism.person(f"u{i:02d}", age=f"age {i}").talk(f"c{i}", f"u{i:02d}", PAIR)
    with pytest.raises(InputError) as caught:
        preflight(config(prism.write(tmp_path / "data"), AGES.format("")))
    assert len(str(caught.value).split("\n")) == 23
    assert "and 10 further answers to age" in str(caught.value)


@pytest.mark.parametrize(
    ("unlisted", "what"),
    [("leave_out", "left out of the pool, still among all raters"), ("old", "taken for 'old'")],
)
def test_what_becomes_of_people_is_said_before_a_run(tmp_path: Path, unlisted: str, what: str) -> None:
    notes = preflight(config(aged().write(tmp_path / "data"), AGES.format(f'unlisted = "{unlisted}"')))
    assert notes == (
        f"age has no value (1 person), no category of attribute 'age': {what}",
        f"age is \"Prefer not to say\" (2 people), no category of attribute 'age': {what}",
    )


def test_half_a_character_in_an_answer_can_be_recorded(tmp_path: Path) -> None:
    prism = aged()
    prism.survey[1]["age"] = "\ud83d?"
    _, built, _ = both(prism, tmp_path, AGES.format('unlisted = "leave_out"'))
    assert [row.answer for row in built.unlisted] == ["", "Prefer not to say", "\ufffd?"]


def test_what_becomes_of_such_people_must_be_known() -> None:
    with pytest.raises(InputError, match="unlisted is 'drop'; it must be 'refuse', 'leave_out' or a category"):
        config(Path("d"), AGES.format('unlisted = "drop"'))


def test_the_real_age_that_has_no_target_is_left_out_by_the_example(tmp_path: Path) -> None:
    """One person of the released PRISM prefers not to say an age; the published targets have no such category."""
    prism = Prism()
    row = {
        "religion": {"simplified": "Christian"},
        "marital_status": "Married",
        "employment_status": "Retired",
        "education": "Vocational",
    }
    for user, age in (("one", "Prefer not to say"), ("two", "65+ years old")):
        prism.person(user, age=age, **row).talk(f"c{user}", user, PAIR)
    folder = prism.write(tmp_path / "data")
    for example in ("prism-us", "prism-small"):
        settings = load_config(ROOT / "examples" / f"{example}.toml", [f"data.path={folder}"]).config
        pool = stage.read_pool(settings)
        assert [dict(rater.attributes)["age"] for rater in pool.raters] == ["65+ years old"]


def test_the_example_has_the_published_targets() -> None:
    loaded = load_config(ROOT / "examples" / "prism-us.toml")
    assert loaded.config.population is not None
    attributes = loaded.config.population.attributes
    assert [(a.name, len(a.targets), len(a.slack)) for a in attributes] == [
        ("ethnicity", 7, 2),
        ("religion", 6, 2),
        ("marital_status", 5, 1),
        ("gender", 4, 1),
        ("age", 6, 0),
        ("employment_status", 8, 1),
        ("education", 9, 1),
    ]
    assert all(sum(a.targets.values()) == 1 for a in attributes)
    lottery = loaded.config.lotteries[0]
    assert (lottery.name, lottery.size, str(lottery.tolerance)) == ("main", 145, "0.1")
    assert [(d.id, d.lottery) for d in loaded.config.draws] == [("main", "main")]


# ---------------------------------------------------------------- pseudonyms


def test_a_pseudonym_is_the_start_of_an_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    whole = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert naming.pseudonyms(b"Jefe", ["what do ya want for nothing?"]) == (whole[:12],)


def test_pseudonyms_grow_until_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "SHORTEST", 1)
    found = naming.pseudonyms(b"secret", [f"user{i}" for i in range(100)])
    assert len(set(found)) == 100
    assert {len(name) for name in found} == {len(found[0])}
    assert 2 <= len(found[0]) < 12


def test_private_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    _, built, _ = both(small(), tmp_path)
    private = tmp_path / "run" / "private"
    assert sorted(file.name for file in private.iterdir()) == ["pseudonym.key", "raters.csv"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in private.iterdir()} == {0o600}
    assert len((private / "pseudonym.key").read_bytes()) == 32
    rows = [line.split(",") for line in (private / "raters.csv").read_text().splitlines()]
    assert rows[0] == ["rater_id", "source_id"]
    assert [row[1] for row in rows[1:]] == ["ann", "tim", "zoe"]
    assert [row[0] for row in rows[1:]] == built.rater_ids


def test_source_ids_are_not_in_the_record(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    prism = Prism().person("source-id-7").talk("conversation-id-7", "source-id-7", PAIR)
    run(config(prism.write(tmp_path / "data"), ATTRIBUTES), tmp_path / "run", recorder)
    record = json.dumps([event.payload() for _, event, _ in recorder.events])
    artifacts = b"".join(file.read_bytes() for file in (tmp_path / "run" / "artifacts").iterdir())
    for source in ("source-id-7", "conversation-id-7"):
        assert source not in record
        assert source.encode() not in artifacts


def test_no_result_depends_on_pseudonyms(tmp_path: Path) -> None:
    settings = config(small().write(tmp_path / "data"), ATTRIBUTES)
    first, second = MemoryRecorder(), MemoryRecorder()
    run(settings, tmp_path / "one", first)
    folder = RunFolder(tmp_path / "two")
    folder.create()
    naming.keep_secret(folder.private, bytes(range(32)))
    run(settings, tmp_path / "two", second)
    a, b = first.of_kind(PairsBuilt)[0], second.of_kind(PairsBuilt)[0]
    assert set(a.rater_ids).isdisjoint(b.rater_ids)
    assert a.model_dump(exclude={"rater_ids"}) == b.model_dump(exclude={"rater_ids"})
    p, q = first.of_kind(PoolBuilt)[0], second.of_kind(PoolBuilt)[0]
    assert p.types == q.types
    one, other = (sorted(json.dumps(r.model_dump(exclude={"rater_id"})) for r in built.raters) for built in (p, q))
    assert one == other


def test_a_damaged_secret_is_refused(tmp_path: Path) -> None:
    ctx = make_context("pairs", config(small().write(tmp_path / "data")), tmp_path / "run")
    (ctx.folder.private / "pseudonym.key").write_bytes(b"short")
    with pytest.raises(InputError, match=r"pseudonym\.key holds 5 bytes instead of 32; put the right file back"):
        stage.pairs(ctx)


# ---------------------------------------------------------------- going on


def same(a: Any, b: Any) -> bool:
    """Whether two results of the stage `pairs` are equal, arrays included."""
    plain = ("raters", "contexts", "responses")
    arrays = ("rater", "context", "chosen", "rejected")
    return all(getattr(a, n) == getattr(b, n) for n in plain) and all(
        (getattr(a, n) == getattr(b, n)).all() and getattr(a, n).dtype == getattr(b, n).dtype for n in arrays
    )


def test_a_second_engine_takes_both_stages_from_the_record(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    folder = small().write(tmp_path / "data")
    settings = config(folder, ATTRIBUTES)
    first, pool = run(settings, tmp_path / "run", recorder)
    for file in [*folder.iterdir(), *(tmp_path / "run" / "private").iterdir()]:
        file.unlink()  # neither the data nor the private folder is needed any more
    second, again = run(settings, tmp_path / "run", recorder)
    assert same(first, second)
    assert pool == again
    assert len(recorder.of_kind(PairsBuilt)) == len(recorder.of_kind(PoolBuilt)) == 1
    assert len(recorder.of_kind(UnitCompleted)) == 2


class Dies(MemoryRecorder):
    """A recorder whose engine is killed while it writes a unit's events."""

    def record(self, stage: str, events: Sequence[Event], **more: Any) -> None:
        if more.get("unit") is not None:
            raise KeyboardInterrupt
        super().record(stage, events, **more)


def test_a_unit_redone_after_a_crash_records_the_same(tmp_path: Path) -> None:
    settings = config(small().write(tmp_path / "data"), ATTRIBUTES)
    with pytest.raises(KeyboardInterrupt):
        stage.pairs(make_context("pairs", settings, tmp_path / "run", Dies()))
    private = tmp_path / "run" / "private"
    before = {file.name: file.read_bytes() for file in [*private.iterdir(), *(tmp_path / "run/artifacts").iterdir()]}
    recorder = MemoryRecorder()
    stage.pairs(make_context("pairs", settings, tmp_path / "run", recorder))
    after = {file.name: file.read_bytes() for file in [*private.iterdir(), *(tmp_path / "run/artifacts").iterdir()]}
    assert before == after
    assert [line.split(",")[0] for line in before["raters.csv"].decode().splitlines()[1:]] == recorder.of_kind(
        PairsBuilt
    )[0].rater_ids


def test_a_changed_artifact_is_noticed(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    settings = config(small().write(tmp_path / "data"))
    run(settings, tmp_path / "run", recorder)
    (artifact,) = (tmp_path / "run" / "artifacts").iterdir()
    artifact.write_bytes(artifact.read_bytes().replace(b'"text":"A"', b'"text":"Z"'))
    with pytest.raises(InputError, match="does not hold what was recorded"):
        run(settings, tmp_path / "run", recorder)


# ---------------------------------------------------------------- without a run


def test_a_pool_read_without_a_run_is_the_pool_of_the_run(tmp_path: Path) -> None:
    """`dempo feasible` must speak of the pool that a run would have."""
    settings = config(small().person("eve").write(tmp_path / "data"), ATTRIBUTES)
    _, recorded = run(settings, tmp_path / "run", MemoryRecorder())
    told: list[str] = []
    read = stage.read_pool(settings, lambda done, total, detail: told.append(detail))
    assert (read.types, read.type_of, read.pairs, read.rater) == (
        recorded.types,
        recorded.type_of,
        recorded.pairs,
        recorded.rater,
    )
    assert [r.attributes for r in read.raters] == [r.attributes for r in recorded.raters]
    assert told == ["building pairs"]
    assert not list(tmp_path.glob("data/*.key"))


def test_a_pool_without_any_pair_is_refused_without_a_run_too(tmp_path: Path) -> None:
    prism = Prism().person("ann").talk("c1", "ann", ("p", [("A", 1, True), ("B", 1)]))
    with pytest.raises(InputError, match="no preference pair at all"):
        stage.read_pool(config(prism.write(tmp_path / "data"), ATTRIBUTES))
