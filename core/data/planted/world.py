"""The truth of a planted world: who lives there, who answered the survey, and what each likes.

A person with categories c = (c_1, c_2, c_3) has a taste θ in R^4, one number per axis of style:

    θ = shared + Σ_j main[j, c_j] + interaction[c] + individual · z,      z ~ N(0, I_4)

and of two answers with styles x and y prefers the first with probability σ(θ·(x − y)), which is what
a choice by the larger of θ·x + Gumbel noise gives. Citizens are drawn from the target population,
each attribute independently by its target; the pool's raters by other, skewed shares.

Three kinds of world:

- `planted`: tastes depend on age and education, and the pool's majority dislikes what the population
  likes. Built so that weighting by sortition has something to recover.
- `null`: everybody has the same taste. There is nothing to correct, so using all data should be best.
- `random`: the effects of the categories are drawn at random, so that skew may or may not matter.

Everything in a world is simulated. Axes and signs are permuted by the seed, so that no level of style
is the good one in every world.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.data.planted.world_texts import AXES, GRAMMAR_VERSION, prompts, random_style, write_answer
from core.errors import InputError
from core.facts.randomness import RandomStream

WorldKind = Literal["planted", "null", "random"]

WORLD_VERSION = 1
RATERS = 300
HELD_OUT_PROMPTS = 60
HELD_OUT_PAIRS_PER_PROMPT = 10

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Trait:
    """An attribute of the people: its categories, with their share of the population and of the pool.

    `name` is the column of `survey.jsonl`; shares are exact decimals that sum to one.
    """

    name: str
    categories: tuple[str, ...]
    target: tuple[Decimal, ...]
    pool: tuple[Decimal, ...]


TRAITS = (
    Trait(
        "age",
        ("18-24 years old", "35-44 years old", "65+ years old"),
        (Decimal("0.42"), Decimal("0.33"), Decimal("0.25")),
        (Decimal("0.70"), Decimal("0.17"), Decimal("0.13")),
    ),
    Trait(
        "education",
        ("Completed Secondary School", "University Bachelors Degree"),
        (Decimal("0.62"), Decimal("0.38")),
        (Decimal("0.30"), Decimal("0.70")),
    ),
    Trait(
        "gender",
        ("Female", "Male"),
        (Decimal("0.5"), Decimal("0.5")),
        (Decimal("0.5"), Decimal("0.5")),
    ),
)


@dataclass(frozen=True)
class World:
    """The truth. Categories are addressed by their index within each trait.

    shared has shape (4,), main[j] (categories of trait j, 4), interaction (cells, 4) with the cells in
    the order of `cells()`; individual is the standard deviation of a person's own part on each axis.
    """

    kind: WorldKind
    seed: int
    traits: tuple[Trait, ...]
    shared: Floats
    main: tuple[Floats, ...]
    interaction: Floats
    individual: float
    training_prompts: tuple[str, ...]
    held_out_prompts: tuple[str, ...]

    def cells(self) -> list[tuple[int, ...]]:
        """All combinations of categories, the last trait running fastest."""
        return list(itertools.product(*(range(len(trait.categories)) for trait in self.traits)))

    def cell_tastes(self) -> Floats:
        """The mean taste of each cell, shape (cells, 4)."""
        additive = [sum((self.main[j][c] for j, c in enumerate(cell)), self.shared) for cell in self.cells()]
        return np.array(additive) + self.interaction

    def cell_shares(self, which: Literal["target", "pool"]) -> Floats:
        """How much of the population (or of the pool, in expectation) each cell is, shape (cells,)."""
        shares = [trait.target if which == "target" else trait.pool for trait in self.traits]
        return np.array(
            [float(np.prod([float(s[c]) for s, c in zip(shares, cell, strict=True)])) for cell in self.cells()]
        )

    def choice_probability(self, difference: Floats) -> Floats:
        """P(a citizen drawn from the population prefers the first answer), for style differences x − y.

        difference has shape (n, 4), the result (n,). The mean over cells is exact and the mean over
        individual tastes is a 48-point Gauss–Hermite rule: for a given cell θ·d is normal with
        mean taste·d and standard deviation individual·‖d‖.
        """
        mean = difference @ self.cell_tastes().T  # (n, cells)
        spread = self.individual * np.linalg.norm(difference, axis=1)  # (n,)
        logits = mean[:, :, None] + spread[:, None, None] * _NODES  # (n, cells, nodes)
        return np.einsum("nck,c,k->n", sigmoid(logits), self.cell_shares("target"), _WEIGHTS)

    def person(self, which: Literal["target", "pool"], stream: RandomStream) -> tuple[tuple[int, ...], Floats]:
        """A person drawn from the population or the pool: categories and taste θ, shape (4,)."""
        cell = tuple(_category(trait.target if which == "target" else trait.pool, stream) for trait in self.traits)
        taste = sum((self.main[j][c] for j, c in enumerate(cell)), self.shared)
        taste = taste + self.interaction[self.cells().index(cell)]
        return cell, taste + self.individual * normals(stream, len(AXES))

    def held_out_pairs(self) -> list[tuple[str, str, str]]:
        """The fixed test set: (prompt, answer, other answer), ten per prompt that no rater saw.

        Styles are uniform and independent; the two answers of a pair are never the same text.
        """
        stream = RandomStream(self.seed, "world", self.kind, "test pairs")
        found = []
        for prompt in self.held_out_prompts:
            for _ in range(HELD_OUT_PAIRS_PER_PROMPT):
                first = write_answer(random_style(stream), stream)
                second = first
                while second == first:
                    second = write_answer(random_style(stream), stream)
                found.append((prompt, first, second))
        return found


def make_world(kind: WorldKind, seed: int) -> World:
    """The world of a kind and a seed; all of it derives from `RandomStream(seed, "world", kind, …)`."""
    stream = RandomStream(seed, "world", kind, "truth")
    order = list(range(len(AXES)))
    stream.shuffle(order)
    signs = np.array([1.0 if stream.below(2) else -1.0 for _ in AXES])
    shared, main, interaction, individual = _EFFECTS[kind](stream)

    def placed(effects: Floats) -> Floats:
        return (effects * signs)[..., order]

    training, held_out = _split_prompts(seed, kind)
    return World(
        kind=kind,
        seed=seed,
        traits=TRAITS,
        shared=placed(shared),
        main=tuple(placed(effects) for effects in main),
        interaction=placed(interaction),
        individual=individual,
        training_prompts=training,
        held_out_prompts=held_out,
    )


def world_values(world: World) -> dict[str, Any]:
    """The truth as plain JSON values."""
    return {
        "simulated": True,
        "version": WORLD_VERSION,
        "grammar_version": GRAMMAR_VERSION,
        "kind": world.kind,
        "seed": str(world.seed),
        "axes": list(AXES),
        "noise": "Gumbel of scale 1 on every utility, so choices are logistic",
        "population": "each attribute drawn independently by its target share",
        "attributes": [
            {
                "name": trait.name,
                "column": trait.name,
                "categories": [
                    {"category": category, "target": str(target), "pool": str(pool), "taste": effects.tolist()}
                    for category, target, pool, effects in zip(
                        trait.categories, trait.target, trait.pool, main, strict=True
                    )
                ],
            }
            for trait, main in zip(world.traits, world.main, strict=True)
        ],
        "shared": world.shared.tolist(),
        "interaction": [
            {
                "categories": [trait.categories[c] for trait, c in zip(world.traits, cell, strict=True)],
                "taste": effects.tolist(),
            }
            for cell, effects in zip(world.cells(), world.interaction, strict=True)
        ],
        "individual_sd": world.individual,
        "training_prompts": list(world.training_prompts),
        "held_out_prompts": list(world.held_out_prompts),
    }


def world_from_values(values: Mapping[str, Any], where: str) -> World:
    """The inverse of `world_values`.

    Raises:
        InputError: a field is missing or the file comes from another version of this program.
    """
    versions = (values.get("version"), values.get("grammar_version"))
    if versions != (WORLD_VERSION, GRAMMAR_VERSION):
        raise InputError(
            f"{where} was written by another version of this program (world and grammar {versions}, "
            f"here {(WORLD_VERSION, GRAMMAR_VERSION)}); write the world again with `dempo demo`"
        )
    try:
        attributes = values["attributes"]
        return World(
            kind=values["kind"],
            seed=int(values["seed"]),
            traits=tuple(_trait(attribute) for attribute in attributes),
            shared=np.array(values["shared"], dtype=np.float64),
            main=tuple(
                np.array([category["taste"] for category in attribute["categories"]], dtype=np.float64)
                for attribute in attributes
            ),
            interaction=np.array([cell["taste"] for cell in values["interaction"]], dtype=np.float64),
            individual=float(values["individual_sd"]),
            training_prompts=tuple(values["training_prompts"]),
            held_out_prompts=tuple(values["held_out_prompts"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"{where} is not the truth of a planted world ({type(error).__name__}: {error})") from error


def load_world(path: Path) -> World:
    """Reads `world.json`; a process reads an unchanged file once.

    Raises:
        InputError: the file is missing, no JSON, or not the truth of a planted world.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"cannot read the planted world {path}: {error.strerror}") from error
    return _load_world(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=8)
def _load_world(path: Path, changed: int, size: int) -> World:
    """`load_world` for one state of the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the planted world {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is not the truth of a planted world: it holds no JSON object")
    return world_from_values(values, str(path))


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^−x), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def normals(stream: RandomStream, size: int) -> Floats:
    """Standard normal numbers by inversion, so that the standard library alone re-derives them. Shape (size,)."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(_open_uniform(stream)) for _ in range(size)])


def gumbels(stream: RandomStream, size: int) -> Floats:
    """Standard Gumbel numbers −ln(−ln u); the difference of two is logistic. Shape (size,)."""
    uniform = np.array([_open_uniform(stream) for _ in range(size)])
    return -np.log(-np.log(uniform))


def _open_uniform(stream: RandomStream) -> float:
    """A uniform number strictly between 0 and 1 (the middle of one of 2^52 cells)."""
    return ((stream.word() >> 12) + 0.5) / 2**52


def _category(shares: tuple[Decimal, ...], stream: RandomStream) -> int:
    return stream.weighted([int(share * 10_000) for share in shares])


def _split_prompts(seed: int, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Training prompts and held-out prompts, both shuffled."""
    everything = list(prompts())
    RandomStream(seed, "world", kind, "prompts").shuffle(everything)
    return tuple(everything[HELD_OUT_PROMPTS:]), tuple(everything[:HELD_OUT_PROMPTS])


def _trait(values: Mapping[str, Any]) -> Trait:
    categories = values["categories"]
    return Trait(
        name=values["name"],
        categories=tuple(category["category"] for category in categories),
        target=tuple(Decimal(category["target"]) for category in categories),
        pool=tuple(Decimal(category["pool"]) for category in categories),
    )


_Effects = tuple[Floats, tuple[Floats, ...], Floats, float]
_CELLS = 12


def _planted_effects(stream: RandomStream) -> _Effects:
    """Two axes split the ages, two the education; the population's mean is near +0.6, the pool's −0.15."""
    age = np.array([[-0.7, -0.7, 0.0, 0.0], [1.6, 1.6, 0.0, 0.0], [1.8, 1.8, 0.0, 0.0]])
    education = np.array([[0.0, 0.0, 1.5, 1.5], [0.0, 0.0, -0.7, -0.7]])
    lean = 0.1 * normals(stream, len(AXES))
    gender = np.array([lean, -lean])
    return np.zeros(len(AXES)), (age, education, gender), _interaction(stream), 0.5


def _null_effects(stream: RandomStream) -> _Effects:
    """One taste for all."""
    none = tuple(np.zeros((len(trait.categories), len(AXES))) for trait in TRAITS)
    return np.full(len(AXES), 0.75), none, np.zeros((_CELLS, len(AXES))), 0.0


def _random_effects(stream: RandomStream) -> _Effects:
    """A shared taste and an effect of every category, all at random; nothing ties them to the pool's skew."""
    shared = 0.3 * normals(stream, len(AXES))
    main = tuple(
        np.array([0.5 * normals(stream, len(AXES)) for _ in trait.categories]).reshape(-1, len(AXES))
        for trait in TRAITS
    )
    return shared, main, _interaction(stream), 0.5


def _interaction(stream: RandomStream) -> Floats:
    return 0.15 * np.array([normals(stream, len(AXES)) for _ in range(_CELLS)])


_EFFECTS = {"planted": _planted_effects, "null": _null_effects, "random": _random_effects}
