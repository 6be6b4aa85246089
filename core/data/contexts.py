"""Which messages precede a response: the conversation's earlier turns, one exchange per turn.

An exchange is the person's prompt and the one reply that the conversation went on from: the chosen
one, else the one with the highest score (the first of these, where several are equal). A placeholder
is neither; so where the chosen reply is a placeholder, the best usable reply takes its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Response(NamedTuple):
    """One response of a turn; text is None for a placeholder, score None where nobody scored it."""

    text: str | None
    score: float | None
    chosen: bool


class Exchange(NamedTuple):
    """A turn as later turns see it; `marked` says that the reply is the one marked as chosen."""

    prompt: str
    reply: str
    marked: bool


Messages = tuple[str, ...]
"""Texts of a context: user, assistant, user, …; the last one is the user's."""


def exchange(prompt: str | None, replies: Sequence[Response]) -> Exchange | None:
    """The exchange of a turn, or None where prompt or replies are not usable."""
    usable = [reply for reply in replies if reply.text is not None]
    if prompt is None or not usable:
        return None
    marked = [reply for reply in usable if reply.chosen]
    best = max(marked or usable, key=lambda reply: float("-inf") if reply.score is None else reply.score)
    assert best.text is not None
    return Exchange(prompt, best.text, bool(marked))


def preceding(
    turns: Iterable[int],
    history: Mapping[int, Exchange | None],
    rated: Mapping[int, Exchange | None],
    tally: Counter[str],
) -> dict[int, Messages]:
    """The messages before the prompt of each of the turns.

    history is what conversations.jsonl tells by turn, rated what utterances.jsonl tells. History comes
    first; a turn that it lost is taken from the utterances; a turn that neither can tell is left out; one
    that the two tell differently is counted.
    Turns are counted in `tally` once, if another turn of `turns` follows them. All of `turns` occur in
    history or rated.
    """
    wanted = set(turns)
    if not wanted:
        return {}
    last = max(wanted)
    known = sorted({turn for turn in (*history, *rated) if turn < last})
    if known:
        tally["context_turns_lost"] += last - known[0] - len(known)
    before: dict[int, Messages] = {}
    messages: Messages = ()
    for turn in [*known, last]:
        if turn in wanted:
            before[turn] = messages
        found = _known(turn, history, rated, tally) if turn < last else None
        if found is not None:
            messages = (*messages, found.prompt, found.reply)
    return before


def _known(
    turn: int, history: Mapping[int, Exchange | None], rated: Mapping[int, Exchange | None], tally: Counter[str]
) -> Exchange | None:
    found, other = history.get(turn), rated.get(turn)
    if found is None:
        found = other
        if found is not None:
            tally["context_turns_from_utterances"] += 1
    elif other is not None and (found.prompt, found.reply) != (other.prompt, other.reply):
        tally["context_turns_disagree"] += 1
    if found is None:
        tally["context_turns_placeholder"] += 1
    elif not found.marked:
        tally["context_replies_by_score"] += 1
    return found
