"""Draws, by the run's seed or by public randomness: drawn again, and what happened to them in its order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from core.facts.plural import number_of
from core.facts.randomness import RandomStream, derive_key
from core.facts.sortition.draw import (
    COMMITTED_PARTS,
    PUBLIC_ORIGINS,
    commitment_of,
    draw_alternates,
    draw_key,
    draw_members,
    has_numbered_panels,
    hashes_of,
    is_panel_number,
    people_rows,
    seats_of,
)
from storage.verifier.contents.lotteries import LotteryRead, lotteries_of_record
from storage.verifier.ground.finding import brief, broken, one_of, same, sections, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.rooted import check_root


@dataclass
class DrawRead:
    """Everything that was done about one draw, in order; accepted is the panel that counts."""

    name: str
    section: dict[str, Any]
    steps: list[Found] = field(default_factory=list)
    accepted: Found | None = None

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"draw {brief(self.name)}"


def draws_of_record(record: Record) -> dict[str, DrawRead]:
    """The configuration's draws, by id, with what the record says of each."""
    listed = sections(record.genesis.get("config", {}), "draws", "id")
    draws = {name: DrawRead(name, section) for name, section in listed.items()}
    for made in record.counted("draw.made"):
        draw = one_of(draws, made.values["draw"], "the configuration's draw", made.seq)
        if draw.accepted is not None:
            raise broken(f"{draw.title} was accepted twice", made.seq)
        draw.accepted = made
    for kind in ("draw.committed", "draw.made", "draw.decided"):
        for event in (each for each in record.kept.get(kind, ()) if each.unit is None):
            one_of(draws, event.values["draw"], "the configuration's draw", event.seq).steps.append(event)
    for draw in draws.values():
        draw.steps.sort(key=lambda event: event.seq)
    return draws


def check_draws(record: Record) -> str:
    """Seeds, panels, members and alternates derived again; commitments recomputed; the order of what happened."""
    whole(record)
    draws = draws_of_record(record)
    lotteries = lotteries_of_record(record)
    for draw in draws.values():
        if draw.accepted is None and not draw.steps:
            if record.ledger.ended("draw"):
                raise broken(f"the stage of the draws has ended without {draw.title}")
            continue
        seq = draw.steps[0].seq if draw.steps else draw.accepted.seq if draw.accepted else 0
        lottery = one_of(lotteries, draw.section.get("lottery"), f"the lottery of {draw.title}", seq)
        if draw.section["randomness"] == "seed":
            _check_draw_by_seed(record, draw, lottery)
        else:
            _check_public_draw(record, draw, lottery)
        if draw.accepted is not None:
            _check_accepted(record, draw, draw.accepted, lottery)
        elif record.ledger.ended("draw"):
            raise broken(f"the stage of the draws has ended, but {draw.title} was not accepted", draw.steps[-1].seq)
    accepted = sum(draw.accepted is not None for draw in draws.values())
    again = f"{number_of(accepted, 'accepted panel')} drawn again with their alternates"
    steps = sum(len(draw.steps) for draw in draws.values())
    public = f"; {steps} steps of public draws in order, their proposed panels drawn again too" if steps else ""
    return again + public if draws else "the run has no draws"


def _check_accepted(record: Record, draw: DrawRead, made: Found, lottery: LotteryRead) -> None:
    """The panel that counts, whatever its key came from."""
    same(made.unit, draw.name, f"{draw.title}: the unit of its panel", made.seq)
    same(made.values["outcome"], "accepted", f"{draw.title}: its outcome", made.seq)
    if made.seq < lottery.solved.seq:
        raise broken(f"{draw.title} was made before {lottery.name} was solved", made.seq)
    key = bytes.fromhex(made.values["seed"])
    for seed in record.counted("seed.derived"):
        if (seed.stage, seed.unit) == (made.stage, made.unit):
            same(seed.values["seed"], made.values["seed"], f"{draw.title}: the seed of its unit", seed.seq)
            same(seed.values["origin"], made.values["origin"], f"{draw.title}: where that seed comes from", seed.seq)
    listed = [e for e in record.counted("draw.alternates") if e.unit == made.unit]
    if len(listed) != 1:
        raise broken(f"{draw.title} has {len(listed)} lists of alternates instead of one", made.seq)
    same(listed[0].values["draw"], draw.name, f"{draw.title}: the draw of its alternates", listed[0].seq)
    _check_alternates(draw, listed[0], made, lottery, key)


# ------------------------------------------------------------ drawing


def _check_panel(draw: DrawRead, made: Found, lottery: LotteryRead, rule: str) -> None:
    """The panel and its members follow from the lottery, the key and, by the rule "number", from the public value."""
    panel, members = made.values["panel"], made.values["members"]
    same(made.values["lottery"], lottery.solved.values["lottery"], f"{draw.title}: its lottery", made.seq)
    if not 0 <= panel < len(lottery.panels):
        raise broken(f"{draw.title}: {lottery.name} has no panel {panel}", made.seq)
    places = [one_of(lottery.pool.place, rater_id, f"{draw.title}: member", made.seq) for rater_id in members]
    found = Counter(lottery.pool.type_of[i] for i in places)
    if len(set(members)) != len(members) or found != lottery.counts[panel]:
        raise broken(f"{draw.title}: its members are not those of the composition of panel {panel}", made.seq)
    types = [row["categories"] for row in lottery.pool.values["types"]]
    seats = seats_of(lottery.pool.values["attributes"], types, (lottery.pool.type_of[i] for i in places))
    same(made.values["seats"], seats, f"{draw.title}: members by category", made.seq)
    listed = (lottery.pool.rater_ids, lottery.pool.type_of, lottery.pool.values["attributes"], types)
    check_root(made, people_rows(*listed, lottery.by_rater, places), draw.title)
    drawn, people = _drawn_again(draw, made, lottery, rule)
    same(panel, drawn, f"{draw.title}: the panel that its seed draws", made.seq)
    wanted = [lottery.pool.rater_ids[i] for i in people]
    if members != wanted:
        raise broken(f"{draw.title}: its seed draws other members of the same types than those recorded", made.seq)


def _drawn_again(draw: DrawRead, made: Found, lottery: LotteryRead, rule: str) -> tuple[int, list[int]]:
    """Number of the panel and places of its members in the pool."""
    if rule == "number":
        panel = _panel_of_value(draw, made, lottery)
    else:
        stream = RandomStream.from_key(bytes.fromhex(made.values["seed"]))
        panel = stream.weighted_up_to(lottery.upper)
    if lottery.members:
        return panel, lottery.members[panel]
    return panel, draw_members(lottery.counts[panel], lottery.pool.by_type, stream)


def _panel_of_value(draw: DrawRead, made: Found, lottery: LotteryRead) -> int:
    """The number that a public value writes with as many digits as the last panel has."""
    if not has_numbered_panels(lottery.numerators, lottery.members):
        raise broken(f"{draw.title}: {lottery.name} is not uniform over panels with named members", made.seq)
    value = made.values.get("value", "")
    if not is_panel_number(value, len(lottery.panels)):
        raise broken(f"{draw.title}: the value {brief(value)} is no number of a panel", made.seq)
    return int(value)


def _check_alternates(draw: DrawRead, event: Found, made: Found, lottery: LotteryRead, key: bytes) -> None:
    """For each type on the panel everybody else of it, shuffled by the child "alternates" of the draw's key."""
    pool = lottery.pool
    members = [pool.place[rater_id] for rater_id in made.values["members"]]
    found = draw_alternates(lottery.counts[made.values["panel"]], pool.by_type, members, key)
    wanted = [{"type": t, "raters": [pool.rater_ids[i] for i in others]} for t, others in found.items()]
    if event.values["alternates"] != wanted:
        raise broken(f"{draw.title}: its alternates are not those that its seed puts in order", event.seq)


# ------------------------------------------------------------ by the run's seed


def _check_draw_by_seed(record: Record, draw: DrawRead, lottery: LotteryRead) -> None:
    if draw.steps:
        told = "is made from the run's seed, but something of a public draw is recorded for it"
        raise broken(f"{draw.title} {told}", draw.steps[0].seq)
    made = draw.accepted
    assert made is not None, "a draw without steps was accepted"
    if "commitment" in made.values or "value" in made.values:
        raise broken(f"{draw.title} is made from the run's seed, but it names a commitment or a value", made.seq)
    key = derive_key(record.genesis["seed"], "draw", draw.name).hex()
    same(made.values["seed"], key, f"{draw.title}: the seed that the run's seed gives it", made.seq)
    same(made.values.get("round", 1), 1, f"{draw.title}: its round", made.seq)
    same(made.values.get("reason", ""), "", f"{draw.title}: its reason", made.seq)
    same(made.values["origin"], "unit", f"{draw.title}: where its seed comes from", made.seq)
    _check_panel(draw, made, lottery, "hash")


# ------------------------------------------------------------ by public randomness


def _check_public_draw(record: Record, draw: DrawRead, lottery: LotteryRead) -> None:
    """Rounds: committed, then withdrawn, or revealed and then rejected or accepted. Nothing follows acceptance."""
    committed: Found | None = None
    proposed: Found | None = None
    rounds = 0
    steps = sorted([*draw.steps, *([draw.accepted] if draw.accepted else [])], key=lambda event: event.seq)
    for event in steps:
        number, before = event.values.get("round", 1), committed is not None
        if event.kind == "draw.committed":
            if before:
                raise broken(f"{draw.title} is committed again while round {rounds} is open", event.seq)
            rounds += 1
            committed, proposed = event, None
            _check_commitment(record, draw, event, lottery)
        elif not before:
            raise broken(f"{draw.title}: {event.kind} without an open commitment before it", event.seq)
        elif event.kind == "draw.decided":
            _check_decided(draw, event, proposed)
            committed = None
        elif event is draw.accepted:
            _check_as_proposed(draw, event, proposed)
            same(number, rounds, f"{draw.title}: the round", event.seq)
            break
        else:
            if proposed is not None:
                raise broken(f"{draw.title}: the value of round {rounds} is revealed twice", event.seq)
            assert committed is not None, "told by `before`"
            _check_revealed(draw, event, committed, lottery)
            proposed = event
        same(number, rounds, f"{draw.title}: the round", event.seq)
    if draw.accepted is not None and steps[-1] is not draw.accepted:
        raise broken(f"{draw.title} was accepted, and acceptance is final; but more is recorded", steps[-1].seq)


def _check_commitment(record: Record, draw: DrawRead, event: Found, lottery: LotteryRead) -> None:
    values, name = event.values, lottery.solved.values["lottery"]
    same(values["lottery"], name, f"{draw.title}: the lottery of its commitment", event.seq)
    for part, (recorded, digest) in _committed_parts(record, name).items():
        if recorded > event.seq:
            raise broken(f"{draw.title} was committed before its {part} was recorded", event.seq)
        same(values["hashes"].get(part), digest, f"{draw.title}: the hash of its {part} in the commitment", event.seq)
    if values["hashes"].keys() != COMMITTED_PARTS.keys():
        raise broken(f"{draw.title}: its commitment hashes more than pool, quotas, lottery and certificate", event.seq)
    terms = {part: values[part] for part in ("draw", "round", "lottery", "hashes", "source", "rule")}
    terms["run"] = record.genesis["run_id"]
    same(values["commitment"], commitment_of(terms), f"{draw.title}: its commitment", event.seq)


def _committed_parts(record: Record, lottery: str) -> dict[str, tuple[int, str]]:
    """Of each part of a commitment: the last event that it is made of, and the SHA-256 over all of them."""
    known: dict[str, dict[str, tuple[int, str]]] = record.remembered.setdefault("committed parts", {})
    if lottery not in known:
        kinds = [kind for kinds in COMMITTED_PARTS.values() for kind in kinds]
        counted = (event for kind in kinds for event in record.counted(kind))
        found = [event for event in counted if event.values.get("lottery", lottery) == lottery]
        found.sort(key=lambda event: event.seq)
        last = {part: max((f.seq for f in found if f.kind in of), default=0) for part, of in COMMITTED_PARTS.items()}
        hashes = hashes_of((event.kind, event.payload) for event in found)
        known[lottery] = {part: (last[part], hashes[part]) for part in COMMITTED_PARTS}
    return known[lottery]


def _check_revealed(draw: DrawRead, made: Found, committed: Found, lottery: LotteryRead) -> None:
    values, commitment = made.values, committed.values["commitment"]
    same(values["outcome"], "proposed", f"{draw.title}: its outcome", made.seq)
    same(values.get("commitment"), commitment, f"{draw.title}: the commitment that it fulfils", made.seq)
    rule = committed.values["rule"]
    same(values["origin"], PUBLIC_ORIGINS[rule], f"{draw.title}: where its seed comes from", made.seq)
    what = f"{draw.title}: the seed that commitment and value give it"
    same(values["seed"], draw_key(commitment, values.get("value", "")).hex(), what, made.seq)
    _check_panel(draw, made, lottery, rule)


def _check_decided(draw: DrawRead, event: Found, proposed: Found | None) -> None:
    wanted = "aborted" if proposed is None else "rejected"
    same(event.values["outcome"], wanted, f"{draw.title}: what was decided", event.seq)


def _check_as_proposed(draw: DrawRead, made: Found, proposed: Found | None) -> None:
    if proposed is None:
        raise broken(f"{draw.title} is accepted before its value is revealed", made.seq)
    for name in (proposed.values.keys() | made.values.keys()) - {"outcome", "reason"}:
        same(made.values.get(name), proposed.values.get(name), f"{draw.title}: {name} as accepted", made.seq)
