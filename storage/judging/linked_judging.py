"""A run that judges once more what another one answered: its answers, and its judges' replies, are that run's.

What a run's judges said stays as it is once their stage has ended. Another reading of it, further judges, or calls that
are made again belong into a run of their own, which is linked to the first: it trains and answers nothing, takes over
every reply that it does not ask for again, and has leaderboards of all its judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.config import resolved
from core.config_file import LoadedConfig, cloned
from core.errors import InputError
from core.facts.judging.outcomes import Unranked
from core.sections.who_judges import AddedJudges
from storage.draws.history import config_of
from storage.record.reader import Reader

_OF_TRAINING = ("data", "population", "lotteries", "draws", "train")
_OF_QUESTIONS = ("constitution", "generate")


def require_judged(reader: Reader) -> None:
    """Refuses a run whose judges are not done.

    Raises:
        InputError: the stage `judge` has not ended, or was skipped.
    """
    run = reader.folder.root.name
    ends = {row["stage"]: row["status"] for row in reader.view("stages")}
    if ends.get("judge") == "skipped":
        raise InputError(f"{run} has no judges ([judge] is missing in its configuration)")
    if ends.get("judge") != "completed":
        raise InputError(f"stage 'judge' of {run} has not ended; `dempo resume {run}` goes on with it")


def judged_again(reader: Reader, again: Sequence[Unranked] = (), added: AddedJudges | None = None) -> LoadedConfig:
    """The configuration of a run that takes over everything but the replies that ended as `again` lists.

    Raises:
        InputError: the stage `judge` has not ended; no reply ended so; an added judge is called as one of the run's.
    """
    require_judged(reader)
    if again:
        _require_some(reader, again)
    values = linked_values(resolved(config_of(reader)), reader.folder.root.resolve(), again, added)
    return cloned(values, (), f"the configuration of a run that judges {reader.folder.root.name} again")


def linked_values(
    old: Mapping[str, Any], root: Path, again: Sequence[Unranked], added: AddedJudges | None
) -> dict[str, Any]:
    """The same as plain JSON values.

    Args:
        old: the resolved configuration of the run in the folder `root`.

    Raises:
        InputError: an added judge is the run's own base model, which a run without training does not have.
    """
    values = {name: section for name, section in old.items() if name not in _OF_TRAINING}
    values["run"] = {"name": old["run"]["name"], "seed": old["run"]["seed"]}
    values["conditions"] = [{"name": name, "source": f"answers:{root}"} for name in _names(old)]
    kept = {name: value for name, value in old["answer"].items() if name not in _OF_QUESTIONS}
    values["answer"] = kept | {"questions": str(root)}
    judges = [_taking_over(judge, root, again) for judge in old["judge"]["judges"]]
    more = added.model_dump(mode="json", exclude_none=True) if added else {}
    further = more["judge"]["judges"] if more else []
    _require_no_base(further)
    values["judge"] = old["judge"] | {"judges": judges + further}
    values["endpoints"] = old["endpoints"] + more.get("endpoints", [])
    return values


def _names(config: Mapping[str, Any]) -> list[str]:
    return [condition["name"] for condition in config["conditions"]]


def _taking_over(judge: dict[str, Any], root: Path, again: Sequence[Unranked]) -> dict[str, Any]:
    """A judge as it was, whose replies are the run's; rankings of a file stay those of the file."""
    if judge["kind"] == "recorded":
        return judge
    own = {name: value for name, value in judge.items() if name != "again"} | {"recorded": str(root)}
    return own | {"again": list(again)} if again and judge["kind"] == "openai" else own


def _require_some(reader: Reader, again: Sequence[Unranked]) -> None:
    marks = ", ".join("?" * len(again))
    if not reader.query(f"SELECT 1 FROM judge_calls WHERE outcome IN ({marks}) LIMIT 1", list(again)):
        run = reader.folder.root.name
        raise InputError(f"no judge call of {run} was {' or '.join(again)}, so there is nothing to ask again")


def _require_no_base(judges: Sequence[dict[str, Any]]) -> None:
    for judge in judges:
        if judge["kind"] == "local" and judge["model"] in ("base", "tiny"):
            raise InputError(
                f"judge {judge['label']!r}: the run that judges again trains nothing, so it has no base model; name "
                "the folder of one"
            )
