"""The stage `draw`: panels drawn from the lotteries, by the run's seed or by public randomness.

A draw by the seed is accepted as it comes. A draw by public randomness is made between two engines
(`dempo draw commit`, `reveal`, `accept`): this stage takes it from the record, or says that it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from core.errors import Waiting
from core.events import AlternatesOfType, DrawAlternates, DrawMade, Event, SeedDerived
from core.facts.sortition.draw import people_rows, seats_of
from core.facts.trees import root_of_rows
from core.sortition.draws.draw import alternates_of, draw_panel
from core.stage import Context, Unit, only
from core.types import Draw, Lottery, Pool


def draw(ctx: Context, pool: Pool, lotteries: tuple[Lottery, ...]) -> tuple[Draw, ...]:
    """The draws of the configuration, in its order; one unit each.

    Raises:
        Waiting: draws by public randomness are not accepted yet; all others are recorded.
    """
    by_name = {made.name: made for made in lotteries}
    sections = ctx.config.draws
    ctx.plan(len(sections))
    for section in sections:
        if section.randomness == "seed":
            ctx.unit(section.id, partial(_record_draw, pool=pool, source=by_name[section.lottery]))
    waiting = ctx.pending([section.id for section in sections])
    if waiting:
        several = len(waiting) > 1
        named = ", ".join(repr(name) for name in waiting)
        raise Waiting(f"draw{'s' * several} {named} wait{'s' * (not several)} for public randomness", waiting)
    return tuple(_restored(ctx.recorded(section.id) or (), pool) for section in sections)


def _record_draw(unit: Unit, pool: Pool, source: Lottery) -> None:
    seed = unit.ctx.stream_seed(unit.key)
    panel, members = draw_panel(source, pool.type_of, unit.ctx.stream(unit.key))
    rater_ids = [rater.rater_id for rater in pool.raters]
    key = unit.ctx.recorder.leaf_key(DrawMade.kind, unit.key, "1")
    chances = source.inclusion(pool.type_of)
    made = DrawMade(
        draw=unit.key,
        lottery=source.name,
        panel=panel,
        seed=seed.seed,
        origin=seed.origin,
        members=[rater_ids[i] for i in members],
        leaf_key=key,
        root=root_of_rows(key, people_rows(rater_ids, pool.type_of, pool.attributes, pool.types, chances, members)),
        seats=seats_of(pool.attributes, pool.types, [pool.type_of[i] for i in members]),
        outcome="accepted",
    )
    unit.add(*events_of(made, rater_ids, pool.type_of))


def events_of(made: DrawMade, rater_ids: Sequence[str], type_of: Sequence[int]) -> list[Event]:
    """What the unit of an accepted draw holds: its seed, the draw, and who stands in for whom.

    Args:
        rater_ids, type_of: pseudonym and type of each rater of the pool.
    """
    place = {rater_id: i for i, rater_id in enumerate(rater_ids)}
    members = [place[rater_id] for rater_id in made.members]
    alternates = [
        AlternatesOfType(type=t, raters=[rater_ids[i] for i in order])
        for t, order in alternates_of(type_of, members, bytes.fromhex(made.seed)).items()
    ]
    return [
        SeedDerived(seed=made.seed, origin=made.origin),
        made,
        DrawAlternates(draw=made.draw, alternates=alternates),
    ]


def _restored(events: Sequence[Event], pool: Pool) -> Draw:
    made = only(events, DrawMade)
    place = {rater.rater_id: i for i, rater in enumerate(pool.raters)}
    return Draw(made.draw, made.lottery, made.panel, tuple(place[rater_id] for rater_id in made.members))
