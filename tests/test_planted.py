"""Planted worlds: if they were not what they say, the demo would show nothing."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_recorder import make_context

from core.config import RunConfig
from core.config_file import load_config
from core.data.planted.world import World, load_world, make_world, world_from_values, world_values
from core.data.planted.world_folder import population_labels, world_files, write_world
from core.data.planted.world_texts import LEVELS, TOPICS, styles, styles_of, write_answer
from core.data.stage import pairs as pairs_stage
from core.data.stage import pool as pool_stage
from core.errors import InputError
from core.evaluation.constitution import read_constitution
from core.evaluation.judges.planted_judge import planted_rankings
from core.evaluation.questions import read_questions
from core.facts.randomness import RandomStream
from core.types import Message, PreferencePairs, Question, Rater

DEMO = Path(__file__).parent.parent / "examples" / "demo.toml"
KINDS = ("planted", "null", "random")


@pytest.fixture(scope="module")
def world_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "planted-3"
    write_world(folder, "planted", 3)
    return folder


def demo_config(folder: Path) -> RunConfig:
    placed = [
        f"data.path={folder}",
        f"answer.constitution={folder / 'constitution.txt'}",
        f"answer.questions={folder / 'questions'}",
    ]
    return load_config(DEMO, placed).config


# ---------------------------------------------------------------- texts


@given(st.tuples(*[st.sampled_from(LEVELS)] * 4), st.integers(0, 10**6))
def test_an_answers_style_is_read_back_from_its_text(style: tuple[int, int, int, int], seed: int) -> None:
    text = write_answer(style, RandomStream(seed, "answer"))
    assert tuple(styles(text)) == style
    assert tuple(styles(text.upper())) == style


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("", (0, 0, -1, 0)),
        ("Listen up. Perhaps keep it simple. Nothing more to say.", (-1, -1, -1, -1)),
        ("glad glad you came maybe then then ask finally, what do you th?", (1, -1, 1, 1)),
        ("Here are some notes. Definitely Perhaps keep. Try it today. That is all.", (0, 1, -1, -1)),
        ("Keep it simple. Then wait one day", (0, 0, 0, 0)),
    ],
)
def test_styles_of_broken_text_are_what_the_rules_say(text: str, style: tuple[int, ...]) -> None:
    assert tuple(styles(text)) == style


def test_answers_do_not_name_the_topic_of_any_prompt() -> None:
    named = {word for topic in TOPICS for word in topic.split()}
    stream = RandomStream(1, "answers")
    said = " ".join(write_answer(style, stream) for style in product(LEVELS, repeat=4) for _ in range(10))
    assert not named & {word.strip("?!.,").lower() for word in said.split()}


# ---------------------------------------------------------------- the folder


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_world_and_another_seed_another(kind: str) -> None:
    first = world_files(make_world(kind, 7))  # type: ignore[arg-type]
    assert world_files(make_world(kind, 7)) == first  # type: ignore[arg-type]
    other = world_files(make_world(kind, 8))  # type: ignore[arg-type]
    assert all(first[name] != other[name] for name in ("survey.jsonl", "utterances.jsonl", "world.json"))


def test_the_truth_says_that_it_is_simulated_and_reads_back(world_folder: Path) -> None:
    values = json.loads((world_folder / "world.json").read_text())
    assert values["simulated"] is True
    read, made = load_world(world_folder / "world.json"), make_world("planted", 3)
    assert world_values(read) == world_values(made)


def test_the_loader_reads_the_files_and_finds_the_raters_tastes(world_folder: Path, tmp_path: Path) -> None:
    """Pairs agree with utilities as often as the truth says, so nothing was lost or turned round on the way."""
    config = demo_config(world_folder)
    pairs = pairs_stage(make_context("pairs", config, tmp_path))
    pool = pool_stage(make_context("pool", config, tmp_path), pairs)
    assert len(pool.raters) == 300
    assert min(pool.pairs) >= 20
    assert len(pool.types) <= 12
    assert any(len(context) == 3 for context in pairs.contexts)
    asked = {context[0].content for context in pairs.contexts}
    assert not asked & set(load_world(world_folder / "world.json").held_out_prompts)
    # Source order is the order of ids as texts: user0, user1, user10, …
    numbers = sorted((n for n in range(312)), key=lambda n: f"user{n}")
    world = load_world(world_folder / "world.json")
    tastes = np.array([world.person("pool", RandomStream(3, "world", "planted", "rater", str(n)))[1] for n in numbers])
    read = styles_of(pairs.responses)
    gain = np.einsum("pa,pa->p", tastes[pairs.rater], read[pairs.chosen] - read[pairs.rejected])
    expected = np.mean(1 / (1 + np.exp(-np.abs(gain))))
    assert np.mean(np.where(gain == 0, 0.5, gain > 0)) == pytest.approx(expected, abs=0.015)


def test_constitution_and_questions_are_read_and_are_the_held_out_prompts(world_folder: Path) -> None:
    constitution = read_constitution(world_folder / "constitution.txt")
    questions = read_questions(world_folder / "questions", constitution)
    assert sorted(q.text for q in questions) == sorted(load_world(world_folder / "world.json").held_out_prompts)


def test_the_demo_configuration_has_the_worlds_targets(world_folder: Path) -> None:
    population = demo_config(world_folder).population
    assert population is not None
    configured = {a.column: a.targets for a in population.attributes}
    assert configured == {t.name: dict(zip(t.categories, t.target, strict=True)) for t in make_world("null", 0).traits}


@pytest.mark.long
def test_a_world_is_kept_replaced_by_another_and_never_written_over_other_data(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "worlds" / "mine"
    write_world(folder, "null", 1)
    before = (folder / "survey.jsonl").stat().st_ino
    write_world(folder, "null", 1)
    assert (folder / "survey.jsonl").stat().st_ino == before
    write_world(folder, "planted", 1)
    assert load_world(folder / "world.json").kind == "planted"
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt.*no part of a planted world"):
        write_world(folder, "null", 1)
    assert load_world(folder / "world.json").kind == "planted"
    real = tmp_path / "prism"
    real.mkdir()
    (real / "survey.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="not a planted world"):
        write_world(real, "null", 1)
    assert (real / "survey.jsonl").read_text() == "{}\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "no JSON object"),
        ("{}", "another version"),
        ('{"version": 1, "grammar_version": 1, "kind": "null"}', "KeyError"),
    ],
)
def test_a_broken_truth_is_refused_with_its_path(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "world.json"
    path.write_text(body)
    with pytest.raises(InputError, match=message) as caught:
        load_world(path)
    assert str(path) in str(caught.value)


def test_a_missing_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the planted world"):
        load_world(tmp_path / "world.json")


# ---------------------------------------------------------------- citizens


@pytest.mark.parametrize("which", ["target", "pool"])
def test_people_have_the_margins_that_are_promised(which: str) -> None:
    world = make_world("planted", 2)
    stream = RandomStream(5, "people", which)
    cells = np.array([world.person(which, stream)[0] for _ in range(4000)])  # type: ignore[arg-type]
    for j, trait in enumerate(world.traits):
        for c, share in enumerate(getattr(trait, which)):
            assert np.mean(cells[:, j] == c) == pytest.approx(float(share), abs=4 * math.sqrt(0.25 / 4000))


def test_shares_of_every_trait_sum_to_one_exactly() -> None:
    for trait in make_world("planted", 0).traits:
        assert sum(trait.target, Decimal(0)) == sum(trait.pool, Decimal(0)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_choice_probability_is_what_sampled_citizens_choose(kind: str) -> None:
    """Quadrature against the mean over sampled citizens, a second method."""
    world = make_world(kind, 4)  # type: ignore[arg-type]
    difference = np.array([[1, 0, 0, 0], [0, -1, 2, 1], [2, 2, -2, 1], [0, 0, 0, 0.0]])
    stream = RandomStream(9, "citizens")
    tastes = np.array([world.person("target", stream)[1] for _ in range(4000)])
    chosen = 1 / (1 + np.exp(-(tastes @ difference.T)))
    error = chosen.std(axis=0) / math.sqrt(4000)
    assert np.all(np.abs(world.choice_probability(difference) - chosen.mean(axis=0)) <= 4 * error + 1e-12)
    assert world.choice_probability(difference)[3] == pytest.approx(0.5, abs=1e-15)


def test_choice_probability_of_one_taste_is_the_logistic_curve() -> None:
    """In a null world everybody has one taste of ±0.75: σ(1.5) = 0.8175744761936437."""
    world = make_world("null", 0)
    liked = np.sign(world.shared)
    first = np.array([2 * liked[0], 0, 0, 0])
    assert world.choice_probability(first[None])[0] == pytest.approx(0.8175744761936437, abs=1e-12)


def test_the_pool_of_a_planted_world_leans_away_from_its_population_and_of_a_null_world_does_not() -> None:
    for seed in range(10):
        planted, null = make_world("planted", seed), make_world("null", seed)
        assert np.abs(population_mean(planted) - pool_mean(planted)).min() > 0.3
        assert np.abs(population_mean(planted)).min() > 0.4
        assert np.array_equal(population_mean(null), pool_mean(null))
    signs = {tuple(np.sign(make_world("planted", seed).cell_tastes()[-1])) for seed in range(10)}
    assert len(signs) > 3, "the liked levels change with the seed"


def population_mean(world: World) -> np.ndarray:
    return np.round(world.cell_shares("target") @ world.cell_tastes(), 12)


def pool_mean(world: World) -> np.ndarray:
    return np.round(world.cell_shares("pool") @ world.cell_tastes(), 12)


# ---------------------------------------------------------------- labels and judges


def one_taste_world(path: Path) -> Path:
    """A world where everybody likes warm answers: P(warm over blunt) = σ(2 · 1.2) = 0.916827303506223."""
    values = world_values(make_world("null", 0))
    values["shared"] = [1.2, 0.0, 0.0, 0.0]
    path.write_text(json.dumps(values))
    return path


WARM, BLUNT = "So glad you came! Usually wait one day.", "Listen up. Usually wait one day."


def test_population_labels_flip_as_often_as_citizens_would(tmp_path: Path) -> None:
    """The rater chose the blunt answer in pair 0 and the warm one in pair 1; pair 2 has equal styles."""
    world = one_taste_world(tmp_path / "world.json")
    pairs = PreferencePairs(
        raters=(Rater("r", {}),),
        contexts=((Message("user", "Hello?"),),),
        responses=(WARM, BLUNT, "Listen up! Often keep it simple."),
        context=np.zeros(3, dtype=np.int32),
        chosen=np.array([1, 0, 1], dtype=np.int32),
        rejected=np.array([0, 1, 2], dtype=np.int32),
        rater=np.zeros(3, dtype=np.int32),
    )
    indices = np.repeat(np.arange(3), 2000).reshape(60, 100)
    flips = population_labels(world, pairs, indices, RandomStream(1, "labels"))
    assert flips.shape == (60, 100)
    shares = flips.reshape(3, 2000).mean(axis=1)
    assert shares == pytest.approx([0.916827, 1 - 0.916827, 0.5], abs=0.035)
    again = population_labels(world, pairs, indices, RandomStream(1, "labels"))
    assert np.array_equal(flips, again)


def test_planted_judges_rank_first_what_their_citizens_prefer(tmp_path: Path) -> None:
    """Two answers: first as often as the truth says. A third condition with the warm answer ties with the first."""
    world = one_taste_world(tmp_path / "world.json")
    question = Question("1:1", 1, "Be kind.", "Hello?")
    stream = RandomStream(2, "judge")
    two = [planted_rankings(world, question, [("a", WARM), ("b", BLUNT)], stream.child(str(i))) for i in range(1500)]
    assert np.mean([order[0] == "a" for order in two]) == pytest.approx(0.916827, abs=0.03)
    three = [("a", WARM), ("b", BLUNT), ("c", WARM)]
    orders = [planted_rankings(world, question, three, stream.child("three", str(i))) for i in range(1500)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert all(order[0] in "ac" or order == ("b", *order[1:]) for order in orders)
    assert not any(order[1] == "b" for order in orders), "equal answers are never split"
    assert np.mean([order.index("a") < order.index("c") for order in orders]) == pytest.approx(0.5, abs=0.06)


def test_a_ranking_is_a_function_of_its_stream(world_folder: Path) -> None:
    question = Question("1:1", 1, "Be kind.", "Hello?")
    shown = [("a", WARM), ("b", BLUNT), ("c", "")]
    path = world_folder / "world.json"
    orders = {planted_rankings(path, question, shown, RandomStream(1, "j", str(i))) for i in range(60)}
    assert len(orders) > 1
    first = planted_rankings(path, question, shown, RandomStream(1, "j"))
    assert planted_rankings(path, question, shown, RandomStream(1, "j")) == first


def test_world_values_of_another_version_are_refused() -> None:
    values = {**world_values(make_world("null", 0)), "version": 99}
    with pytest.raises(InputError, match="another version"):
        world_from_values(values, "world.json")
