"""What `dempo rank` ranks: the rankings or votes of a file, or the rankings that a run recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.facts.plural import number_of
from core.facts.ranking.juries import label_of
from core.facts.ranking.shown_places import habits_of
from core.sections.who_judges import RankSection
from core.types import Judged
from tui.commands.ranking.rank_options import RankOptions

if TYPE_CHECKING:
    from core.ranking.files import RankingFile
    from core.ranking.votes import Vote
    from core.types import Ranking

NOTHING_KNOWN = Judged((), (), {})

_NAMED = 20
"""Judges that a sentence names."""


@dataclass(frozen=True)
class RankSource:
    """Either rankings or votes, as they are selected; and how they are aggregated.

    weights are those that judges were given; first is what each board has to say before all else; notes are said once;
    clauses names those that the file calls by texts, by the numbers that they have here; judged are the rankings with
    what is known of shown orders and lengths; planned is the primary method of a run's plan.
    """

    rankings: Sequence[Ranking]
    votes: Sequence[Vote]
    section: RankSection
    seed: int
    weights: Mapping[str, int]
    first: Sequence[str] = ()
    notes: Sequence[str] = ()
    clauses: Mapping[int, str] = field(default_factory=dict)
    judged: Judged = NOTHING_KNOWN
    planned: str | None = None


def source_of(name: str, runs: Path, options: RankOptions) -> RankSource:
    """The file or the run of a name: a file that exists is read, anything else is a run.

    Raises:
        InputError: there is neither, or it or an option cannot be used.
    """
    from storage.errors import NotFound
    from tui.terminal.completion import find_run

    path = Path(name)
    if path.is_file() and path.name != "audit.db" and path.suffix != ".zip":
        return of_file(path, options)
    try:
        root = find_run(name, runs)
    except NotFound as error:
        if path.exists() and not path.is_dir() and path.name != "audit.db":
            told = "is a pipe or a device; write the rankings to a file, and name that"
            raise InputError(f"cannot read the rankings {name}: it {told}") from None
        absent = "" if path.exists() else f"cannot read the rankings {name}: there is no such file, and "
        raise InputError(f"{absent}{error}") from None
    return of_run(root, options)


def of_file(path: Path, options: RankOptions) -> RankSource:
    """The rankings or votes in a file.

    Raises:
        InputError: the file or an option is wrong; the message names the line.
    """
    from core.ranking.files import read_file

    found = read_file(path)
    section = options.section(RankSection(), bool(found.votes))
    if section.resample == "clauses" and found.no_clause:
        raise InputError(f"--resample clauses: {path} names no clause; add 'clause_id' to its rows")
    source = _of_votes(found, section, options) if found.votes else _of_rankings(found, section, options)
    return replace(source, clauses=found.clauses)


def _of_rankings(found: RankingFile, section: RankSection, options: RankOptions) -> RankSource:
    from core.ranking.beside import judged_of

    rankings, weights = options.weighted(options.selected(found.rankings))
    keys = [(one.question_id, one.judge) for one in found.rankings]
    shown = dict(zip(keys, found.shown, strict=True))
    judged, lengths = judged_of(rankings, shown, found.sizes)
    judges = {one.judge for one in rankings}
    whole = zip(found.rankings, found.shown, strict=True)
    first = habits_of((one.judge, order, one.order) for one, order in whole if order and one.judge in judges)
    notes = [*_selected(options, found.rankings, rankings), *lengths]
    return RankSource(rankings, (), section, options.seed or 0, weights, first, notes, judged=judged)


def _of_votes(found: RankingFile, section: RankSection, options: RankOptions) -> RankSource:
    votes, weights = options.weighted(options.selected(found.votes))
    counted = sum((vote.won + vote.lost) * vote.weight for vote in votes)
    told = [f"{counted:,.10g} {'vote' if counted == 1 else 'votes'} between two conditions; a tie counts half for each"]
    left_out = [*options.left_out(RankSection(), votes=True), "boards by judge", "agreement", "clauses", "robustness"]
    told.append(
        f"left out: {', '.join(left_out)} and what sways judges, which take whole rankings (one line each, with "
        "'ranking')"
    )
    compared = _times(votes)
    if len(set(compared)) > 1:
        told.append(
            f"pairs were compared {min(compared):g} to {max(compared):g} times: copeland counts for more what was "
            "compared more often"
        )
    notes = [*told, *_selected(options, found.votes, votes)]
    return RankSource((), votes, section, options.seed or 0, weights, (), notes)


def of_run(root: Path, options: RankOptions) -> RankSource:
    """The rankings of a run, with its seed and settings where no option says otherwise: then its own scores follow.

    Raises:
        InputError: it has no rankings yet, or an option is wrong.
    """
    from core.ranking.beside import judged_of
    from storage.draws.history import config_of
    from storage.judging.judging_notes import JudgingNotes
    from storage.judging.run_rankings import rankings_of_run, shown_in_run, sizes_in_run
    from storage.record.reader import Reader

    reader = Reader(root)
    config = config_of(reader)
    every = rankings_of_run(reader, config)
    rankings, weights = options.weighted(options.selected(every))
    own = {label_of(one.judge): one.weight for one in rankings if one.weight > 1}
    told = JudgingNotes.of_run(reader)
    labels = {label_of(one.judge) for one in rankings}
    told = replace(told, places={label: found for label, found in told.places.items() if label in labels})
    notes = [f"the rankings that run {root.name} recorded, aggregated here; nothing is recorded"]
    judged, _ = judged_of(rankings, shown_in_run(reader), sizes_in_run(reader))
    return RankSource(
        rankings,
        (),
        options.section(config.rank, votes=False),
        config.run.seed if options.seed is None else options.seed,
        own | weights,
        told.first,
        [*notes, *_selected(options, every, rankings)],
        judged=judged,
        planned=None if config.plan is None else config.plan.primary,
    )


def _times(votes: Sequence[Vote]) -> list[float]:
    """How often each pair of conditions was compared, pairs that never were included."""
    from itertools import combinations

    times = dict.fromkeys(combinations(sorted({name for vote in votes for name in vote.pair}), 2), 0.0)
    for vote in votes:
        first, second = sorted(vote.pair)
        times[first, second] += vote.won + vote.lost
    return list(times.values())


def _selected(
    options: RankOptions, every: Sequence[Ranking] | Sequence[Vote], some: Sequence[Ranking] | Sequence[Vote]
) -> list[str]:
    """What was selected out of what there is."""
    from core.ranking.selection import conditions_in
    from core.ranking.votes import Vote

    told: list[str] = []
    if options.only or options.drop:
        left, whole = conditions_in(some), conditions_in(every)
        told.append(f"{len(left)} of {number_of(len(whole), 'condition')}: {', '.join(left)}")
    if options.judges:
        judges = list(dict.fromkeys(one.judge for one in some))
        more = f" and {len(judges) - _NAMED} more" if len(judges) > _NAMED else ""
        what = "votes" if isinstance(some[0], Vote) else "rankings"
        told.append(f"{len(some)} of {len(every)} {what}, by {', '.join(judges[:_NAMED])}{more}")
    return told
