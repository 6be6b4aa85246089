"""Draws by public randomness in a run at rest: committed, revealed, and then accepted or rejected.

Every step is an event of the stage `draw` outside any unit; acceptance completes the draw's unit, exactly
as the stage itself would, and is final: from then on the stage finds the draw in the record.
"""

from __future__ import annotations

from typing import Literal

from core.errors import InputError, VerificationFailed
from core.events import DrawCommitted, DrawDecided, DrawMade
from core.facts.chain import NO_EVENT
from core.facts.sortition.draw import COMMITTED_PARTS, Rule, has_numbered_panels, hashes_of
from core.sortition.draws.commitment import commitment_to, given, proposal
from core.sortition.draws.stage import events_of
from core.sortition.recording import RecordedLottery, recorded_lottery
from core.stage import Context
from storage.draws.history import OF_DONE_UNITS, Round, State, config_of, decoded, history_of
from storage.record.log import Log
from storage.record.reader import Reader

STAGE = "draw"


class PublicDraw:
    """A draw by public randomness, with the run's log open: nobody else writes meanwhile.

    Every step checks that it is the turn of this step, and records nothing where it is not.
    """

    def __init__(self, log: Log, draw: str) -> None:
        """
        Raises:
            InputError: there is no such draw, it is made from the run's seed, or it was accepted.
        """
        self._log = log
        self._reader = Reader(log.folder.root)
        self._run = log.genesis().run_id
        self._history = history_of(self._reader, draw)
        self._name = draw
        if self._history.section.randomness == "seed":
            raise InputError(
                f"draw {draw!r} is made from the run's seed; `randomness = 'public'` in its [[draws]] section makes "
                "the draw of a new run wait for a public value"
            )
        if self._history.state == "accepted":
            accepted = self._history.accepted
            assert accepted is not None, "told by the state"
            raise InputError(f"draw {draw!r} was accepted in round {accepted.round}, and acceptance is final")

    @property
    def panels(self) -> int:
        """How many panels the lottery has.

        Raises:
            InputError: the lottery is not recorded.
        """
        return len(self._source()[0].lottery.panels)

    def commit(self, source: str, rule: Rule) -> DrawCommitted:
        """Records what the draw will be made from, before its randomness exists.

        Raises:
            InputError: the lottery is not recorded, an earlier round is open, the source is empty, or the rule
                does not fit the lottery.
        """
        source = given(source, "--source (the future public source of randomness)")
        if self._history.state in ("committed", "proposed"):
            raise InputError(self._open_round())
        from_record, hashes = self._source()
        if rule == "number" and not has_numbered_panels(from_record.lottery.numerators, from_record.lottery.members):
            raise InputError(
                f"lottery {from_record.lottery.name!r} is not uniform over numbered panels, so no number picks one "
                "fairly; use --rule hash, or a lottery with `panels = 1000`"
            )
        terms = DrawCommitted(
            draw=self._name,
            round=len(self._history.rounds) + 1,
            lottery=self._history.section.lottery,
            hashes=hashes,
            source=source,
            rule=rule,
            commitment=NO_EVENT,
        )
        committed = terms.model_copy(update={"commitment": commitment_to(terms, self._run)})
        self._log.record(STAGE, [committed])
        return committed

    def reveal(self, value: str) -> DrawMade:
        """Draws the panel that a public value picks; it is proposed until it is accepted or rejected.

        Raises:
            InputError: no commitment is open, or the value is not written as the rule asks.
            VerificationFailed: the record no longer hashes to the commitment.
        """
        committed = self._require("committed", "reveal").committed
        made = self._made(committed, given(value, "VALUE"))
        self._log.record(STAGE, [made])
        return made

    def accept(self, reason: str = "") -> DrawMade:
        """Completes the draw's unit with the proposed panel and its alternates; final.

        Raises:
            InputError: no panel is proposed.
            VerificationFailed: the proposed panel does not follow from the commitment and the value.
        """
        current = self._require("proposed", "accept")
        assert current.made is not None, "a proposed round has a panel"
        assert current.made.value is not None, "a public draw has a value"
        if self._made(current.committed, current.made.value) != current.made:
            raise VerificationFailed(
                f"the panel proposed for draw {self._name!r} does not follow from its commitment and value; "
                "run `dempo verify`"
            )
        why = given(reason, "--reason") if reason else ""
        made = current.made.model_copy(update={"outcome": "accepted", "reason": why})
        pool = self._source()[0]
        ctx = Context(STAGE, config_of(self._reader), self._log, self._log.folder)
        unit = ctx.begin(self._name)
        unit.add(*events_of(made, pool.rater_ids, pool.type_of))
        unit.complete()
        return made

    def decide(self, outcome: Literal["rejected", "aborted"], reason: str) -> DrawDecided:
        """Rejects a proposed panel, or withdraws an open commitment before its value; a new round may follow.

        Raises:
            InputError: there is nothing to reject or to withdraw, or no reason.
        """
        wanted: State = "proposed" if outcome == "rejected" else "committed"
        current = self._require(wanted, "reject" if outcome == "rejected" else "abort")
        decided = DrawDecided(
            draw=self._name, round=current.committed.round, outcome=outcome, reason=given(reason, "--reason")
        )
        self._log.record(STAGE, [decided])
        return decided

    def _made(self, committed: DrawCommitted, value: str) -> DrawMade:
        """The panel that a commitment and a value stand for, after a check that both still say the same."""
        pool, hashes = self._source()
        changed = [part for part in COMMITTED_PARTS if committed.hashes.get(part) != hashes[part]]
        if changed or commitment_to(committed, self._run) != committed.commitment:
            what = f"{', '.join(changed)} of the record" if changed else "the terms of the record"
            raise VerificationFailed(
                f"draw {self._name!r}, round {committed.round}: {what} no longer hash to the commitment that was "
                "published; nothing is drawn, run `dempo verify`"
            )
        return proposal(committed, pool, value, self._log.leaf_key(DrawMade.kind, self._name, str(committed.round)))

    def _source(self) -> tuple[RecordedLottery, dict[str, str]]:
        """The lottery and its pool as recorded, and the hashes of their parts."""
        lottery = self._history.section.lottery
        kinds = [kind for kinds in COMMITTED_PARTS.values() for kind in kinds]
        rows = self._reader.recorded(
            f"{OF_DONE_UNITS}WHERE e.kind IN ({', '.join('?' * len(kinds))}) "
            "AND coalesce(e.payload->>'$.lottery', ?) = ? ORDER BY e.seq",
            [*kinds, lottery, lottery],
        )
        if not any(kind == "lottery.solved" for kind, _, _ in rows):
            raise InputError(
                f"lottery {lottery!r} is not recorded yet; `dempo resume {self._log.folder.root.name} --until lottery` "
                "makes it"
            )
        return recorded_lottery(list(decoded(rows))), hashes_of((kind, payload) for kind, payload, _ in rows)

    def _require(self, state: State, command: str) -> Round:
        if self._history.state == state:
            return self._history.rounds[-1]
        if self._history.state in ("committed", "proposed"):
            raise InputError(f"{command}: {self._open_round()}")
        wanted = "no commitment is open" if state == "committed" else "no panel is proposed"
        last = f" (round {len(self._history.rounds)} was {self._history.state})" if self._history.rounds else ""
        raise InputError(f"{command}: for draw {self._name!r} {wanted}{last}; `dempo draw commit` begins a round")

    def _open_round(self) -> str:
        number = self._history.rounds[-1].committed.round
        if self._history.state == "committed":
            return (
                f"draw {self._name!r} has an open commitment (round {number}) that waits for its value: reveal it, "
                "or abort it with a reason"
            )
        return (
            f"the value of draw {self._name!r} (round {number}) is revealed and its panel proposed: accept it, "
            "or reject it with a reason"
        )
