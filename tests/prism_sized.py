"""An invented survey of the size of PRISM's, with pairs, and the configuration of `examples/prism-us.toml` for it."""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
from pathlib import Path
from random import Random

from prism_folder import Prism

from core.config_file import parse_config
from core.data.pseudonyms import keep_secret
from storage.export.export import export_run
from storage.record.create import create_run
from tui.commands.runs.process import work
from tui.terminal.console import Console

PEOPLE, LEFT_OUT = 1_500, 100
"""People of the survey, and those of them of whom there is no response."""

LOCALES = {"us": 0.25, "uk": 0.25, "europe": 0.2, "latin_america": 0.15, "africa": 0.1, "asia": 0.05}
US_REP = 230

ATTRIBUTES = ("ethnicity", "gender", "age")
"""All seven make a lottery of a minute; with these some people are unique, and most with their number of pairs."""

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "prism-us.toml"

CONDITIONS = """
[[draws]]
id = "second"
lottery = "main"
[[conditions]]
name = "full"
source = "all"
[[conditions]]
name = "us-rep"
source = "us_rep"
[[conditions]]
name = "soft"
source = "lottery:main"
[[conditions]]
name = "sampled"
source = "lottery:main"
estimator = "weighted_sampling"
[[conditions]]
name = "hard"
source = "draw:main"
[train]
model = "tiny"
steps = 100
batch = 32
"""

SECRET = hashlib.sha256(b"of the operator of these tests").digest()
BUNDLES = {"plain": (False, None), "redacted": (True, None), "with-k": (True, 5)}


def make_prism_sized(folder: Path) -> Path:
    """A folder with the data, a run up to its conditions, its bundles, and a run of a stranger up to its pairs.

    The stranger has the same files, the program and the seed, and another secret.
    """
    world = folder / "world"
    text = configuration(write_survey(world / "data"))
    root = made(world / "runs", text, SECRET)
    made(world / "stranger", text, bytes(32), until="pairs")
    for name, (redact, k) in BUNDLES.items():
        export_run(root, world / f"{name}.zip", redact=redact, k=k, told=lambda what, done, total: None)
        with zipfile.ZipFile(world / f"{name}.zip") as bundle:
            bundle.extractall(world / name)
    return world


def made(runs: Path, text: str, secret: bytes, until: str = "conditions") -> Path:
    """A run of this configuration in a folder with this secret."""
    if not (runs / "private").exists():
        (runs / "private").mkdir(parents=True)
        keep_secret(runs / "private", secret)
    root = create_run(parse_config(text), text, runs)
    assert work(root, until, Console(quiet=True)) == 0
    return root


def configuration(data: Path) -> str:
    """The example with some of its attributes, two draws, and conditions of every kind, on these data."""
    text = EXAMPLE.read_text(encoding="utf-8").replace('path = "prism"', f'path = "{data}"')
    asked, lotteries, draws = text.partition("[[lotteries]]")
    head, *each = asked.split("[[population.attributes]]")
    kept = [one for one in each if one.split('"')[1] in ATTRIBUTES]
    return "[[population.attributes]]".join([head, *kept]) + lotteries + draws + CONDITIONS


def write_survey(folder: Path, seed: int = 1, size: int = PEOPLE, left_out: int = LEFT_OUT) -> Path:
    """The three files; the survey's lines are in no order, as PRISM's."""
    random, prism = Random(seed), Prism()
    asked = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["population"]["attributes"]
    shares = {row["column"]: {name: float(share) for name, share in row["targets"].items()} for row in asked}
    people = [f"user{number}" for number in range(size)]
    random.shuffle(people)
    us_rep = US_REP
    for place, who in enumerate(people):
        given = {column: random.choices(list(of), list(of.values()))[0] for column, of in shares.items()}
        nested = {name.partition(".")[0]: {"simplified": given.pop(name)} for name in list(given) if "." in name}
        locale = random.choices(list(LOCALES), list(LOCALES.values()))[0]
        us_rep -= (chosen := locale == "us" and us_rep > 0)
        prism.person(who, locale, included_in_US_REP=chosen, **given, **nested)
        if place >= left_out:
            _talk(prism, who, random)
    return prism.write(folder)


def _talk(prism: Prism, who: str, random: Random) -> None:
    """Some conversations of one turn; a turn of two to four responses gives one to six pairs."""
    for number in range(random.randint(1, 9)):
        name = f"{who}-{number}"
        said = [(f"{name}, reply {i}", 10 * i + random.randint(0, 9), i == 0) for i in range(random.randint(2, 4))]
        prism.talk(name, who, (f"{name}, question", said))
