"""From scored responses to preference pairs.

Within a turn, every two responses to the same prompt whose scores differ by more than δ make a pair;
the higher one is chosen. Every two usable responses of a turn end either as a pair or in exactly one count
(pairs of identical responses that are kept are in both).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from core.data.contexts import Exchange, Messages, Response, exchange, preceding
from core.data.utterances import Conversation, Surveyed, Turns, Utterance
from core.sections.who_is_drawn import DataSection


@dataclass
class PairTable:
    """Pairs by number: texts are distinct, a context lists text numbers (user, assistant, …, user), and
    pair p says that raters[rater[p]] prefers texts[chosen[p]] to texts[rejected[p]] after contexts[context[p]].
    Texts and contexts are numbered in the order in which the pairs first need them.
    """

    raters: Sequence[Surveyed]
    texts: dict[str, int] = field(default_factory=dict)
    contexts: dict[tuple[int, ...], int] = field(default_factory=dict)
    rater: array[int] = field(default_factory=lambda: array("i"))
    context: array[int] = field(default_factory=lambda: array("i"))
    chosen: array[int] = field(default_factory=lambda: array("i"))
    rejected: array[int] = field(default_factory=lambda: array("i"))

    def add(self, rater: int, messages: Messages, chosen: str, rejected: str) -> None:
        """Adds one pair."""
        context = tuple(self._text(message) for message in messages)
        self.context.append(self.contexts.setdefault(context, len(self.contexts)))
        self.chosen.append(self._text(chosen))
        self.rejected.append(self._text(rejected))
        self.rater.append(rater)

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def __len__(self) -> int:
        return len(self.rater)


def build_pairs(
    raters: Mapping[str, Surveyed],
    conversations: Mapping[str, Conversation],
    utterances: Mapping[str, Mapping[str, Turns]],
    data: DataSection,
    tally: Counter[str],
) -> PairTable:
    """All pairs, ordered by rater, conversation, turn and position in the turn.

    Raters and conversations are in the order of their source ids (code points), so the result depends
    neither on the order of lines in the files nor on pseudonyms. A conversation that only the utterances
    tell gives pairs too.
    """
    table = PairTable([rater for _, rater in sorted(raters.items())])
    for number, user in enumerate(sorted(raters)):
        first = len(table)
        for name, turns in sorted(utterances.get(user, {}).items()):
            told = conversations.get(name)
            tally["conversations_from_utterances"] += told is None
            before = _contexts(turns, told.history if told else {}, tally)
            for turn in sorted(turns):
                for chosen, rejected in pairs_of_turn(turns[turn], data, tally):
                    table.add(number, (*before[turn], chosen.prompt), chosen.response, rejected.response)
        if len(table) == first:
            tally["raters_without_pairs" if user in utterances else "raters_without_responses"] += 1
    return table


def _contexts(turns: Turns, history: Mapping[int, Exchange | None], tally: Counter[str]) -> dict[int, Messages]:
    rated = {turn: _rated_exchange(responses) for turn, responses in turns.items()}
    return preceding(turns, history, rated, tally)


def _rated_exchange(responses: Sequence[Utterance]) -> Exchange | None:
    prompt = next((u.prompt for u in responses if u.prompt is not None), None)
    return exchange(prompt, [Response(u.response, u.score, u.chosen) for u in responses if u.prompt == prompt])


class _Scored(NamedTuple):
    """A response that can be in a pair."""

    prompt: str
    response: str
    score: float


def pairs_of_turn(
    responses: Sequence[Utterance], data: DataSection, tally: Counter[str]
) -> Iterator[tuple[_Scored, _Scored]]:
    """(chosen, rejected) of one turn.

    Scores are compared in double precision; PRISM's are whole numbers, for which that is exact.
    """
    usable = [
        _Scored(u.prompt, u.response, u.score)
        for u in responses
        if u.prompt is not None and u.response is not None and u.score is not None
    ]
    if len(usable) == 1:
        tally["turns_single_response"] += 1
    for a, b in combinations(usable, 2):
        if a.prompt != b.prompt:
            tally["pairs_different_prompts"] += 1
        elif a.score == b.score:
            tally["pairs_tied"] += 1
        elif abs(a.score - b.score) <= data.delta:
            tally["pairs_within_delta"] += 1
        elif a.response == b.response and data.identical == "drop":
            tally["pairs_identical_responses"] += 1
        else:
            tally["pairs_identical_responses_kept"] += a.response == b.response
            yield (a, b) if a.score > b.score else (b, a)
