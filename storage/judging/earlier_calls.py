"""The calls of a judge of another run, for a run that takes them over (`core.evaluation.judges.taken_over`)."""

from __future__ import annotations

from pathlib import Path

from core.errors import DempoError, InputError
from core.events import JudgeCalled, QuestionsPlanned, Text
from core.events.earlier_calls import EarlierCall, EarlierCalls
from core.run_folder import RunFolder
from storage.replay.repetition import Line, Recorded
from storage.signatures.heads import followed


def earlier_calls(root: Path, label: str) -> EarlierCalls:
    """What the judge of a label was asked in the run of a folder, and what it said, texts exactly as recorded.

    Raises:
        InputError: there is no run, its record cannot be read or was altered, or it lacks texts.
    """
    try:
        with Recorded(RunFolder(root)) as record:
            chain = followed(record.folder.database)
            if chain.wrong:
                raise InputError(
                    f"run {root.name}: {chain.wrong}, so nothing is taken over from it; see `dempo verify`"
                )
            return _read(record, chain.genesis, label)
    except InputError:
        raise
    except (DempoError, KeyError, ValueError) as error:
        raise InputError(f"cannot take over the judge calls of run {root.name}: {error}") from error


def _read(record: Recorded, first: str, label: str) -> EarlierCalls:
    planned = [event for events in record.completed("answer").values() for event in events]
    return EarlierCalls(
        run_id=record.genesis.run_id,
        first=first,
        config=record.genesis.config,
        questions=tuple(q.question_id for e in planned if isinstance(e, QuestionsPlanned) for q in e.questions),
        calls={
            unit: call
            for unit, lines in record.units("judge").items()
            for line in lines
            if line.kind == JudgeCalled.kind
            if (call := _call(record, line)) is not None and call.event.judge.rpartition("#")[0] == label
        },
    )


def _call(record: Recorded, line: Line) -> EarlierCall | None:
    """A call with its texts; None for one that got no reply."""
    event = line.event()
    assert isinstance(event, JudgeCalled), "told by its kind"
    if event.outcome == "failed" or event.reply is None:
        return None

    def text(reference: Text | None) -> str:
        return "" if reference is None else record.text(reference.sha256)

    texts = (event.template, event.prompt, event.reply, event.reasoning, event.chat_template)
    return EarlierCall(line.seq, event, *map(text, texts))
