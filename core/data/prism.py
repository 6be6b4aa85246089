"""PRISM's three tables: who the raters are, what was said, and how the responses were scored.

The format is that of the PRISM Alignment Dataset (Kirk et al. 2024, HannahRoseKirk/prism-alignment):
`survey` has a row per person, `conversations` one per conversation with its history, `utterances` one
per scored response. Rows become small records while they are read; the raw rows are not kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.data.attributes import categories_of
from core.data.contexts import Exchange, Response, exchange
from core.data.files.hub import HubRows
from core.data.files.jsonl import JsonLines
from core.data.files.rows import Row, Source, listed, shown
from core.data.files.texts import CleanTexts
from core.data.unlisted import Unlisted
from core.data.utterances import Conversation, Preferences, Surveyed, Turns, Utterance, Watch
from core.errors import InputError
from core.sections.who_is_drawn import Attribute, DataSection

TABLES = ("survey", "conversations", "utterances")

_PROGRESS_SECONDS = 0.5

_SURVEY_COLUMNS = ("user_id", "study_locale", "included_in_US_REP")
_CONVERSATION_COLUMNS = ("conversation_id", "user_id", "conversation_history")
_MESSAGE_COLUMNS = ("turn", "role", "content")
_UTTERANCE_COLUMNS = (
    "utterance_id",
    "conversation_id",
    "user_id",
    "turn",
    "within_turn_id",
    "user_prompt",
    "model_response",
    "score",
    "if_chosen",
)


@dataclass(frozen=True)
class Survey:
    """People by source id: those of the locale asked for, and the ids of all others; answers without a category."""

    raters: dict[str, Surveyed]
    elsewhere: frozenset[str]
    unlisted: Unlisted


def read_prism(config: RunConfig, texts: CleanTexts, tally: Counter[str], watch: Watch) -> Preferences:
    """The three tables of the configuration, read in their order.

    Raises:
        InputError: there are none, or a row is wrong; the message has file, line and remedy.
    """
    sources = _opened(config.data)
    survey = read_survey(_watched(sources, "survey", watch), config.attributes, config.data.locale, tally)
    conversations = read_conversations(_watched(sources, "conversations", watch), survey, texts, tally)
    turns = read_utterances(_watched(sources, "utterances", watch), survey, conversations, texts, tally)
    files = tuple(sources[name].file_read() for name in TABLES)
    return Preferences(survey.raters, conversations, turns, survey.unlisted, files)


def notes_of_survey(config: RunConfig) -> tuple[str, ...]:
    """What a person should know of the survey before a run is created, as sentences; reads no other table.

    A data set on the hub is not fetched twice.

    Raises:
        InputError: the survey cannot be used, or answers have no category.
    """
    if config.data.hub is not None:
        return ()
    rows = iter(_opened(config.data)["survey"])
    return read_survey(rows, config.attributes, config.data.locale, Counter()).unlisted.notes()


def _opened(data: DataSection) -> dict[str, Source]:
    if data.hub is not None:
        return open_hub(data.hub)
    if data.path is not None:
        return open_folder(data.path)
    raise InputError(
        "no data: set data.path to a folder in PRISM's format, or data.hub to its name on the Hugging Face hub "
        "(for example --set data.path=data/prism)"
    )


def _watched(sources: Mapping[str, Source], name: str, watch: Watch) -> Iterator[Row]:
    """The rows of a source; from time to time tells how far the reading is."""
    total = sum(source.total for source in sources.values())
    last = time.monotonic()
    for row in sources[name]:
        yield row
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS:
            last = now
            watch(sum(source.done for source in sources.values()), total, f"reading {name}")


def open_folder(path: Path) -> dict[str, Source]:
    """The three files of a folder.

    Raises:
        InputError: the folder or one of the files is missing.
    """
    expected = ", ".join(f"{table}.jsonl" for table in TABLES)
    if not path.is_dir():
        problem = "is not a folder" if path.exists() else "does not exist"
        raise InputError(f"data.path: {path} {problem}; it should be a folder that holds {expected}")
    missing = [f"{table}.jsonl" for table in TABLES if not (path / f"{table}.jsonl").is_file()]
    if missing:
        raise InputError(
            f"data.path: {path} lacks {', '.join(missing)}; PRISM's format needs {expected} in one folder "
            "(for the published data set: data.hub = 'HannahRoseKirk/prism-alignment', or a clone of it)"
        )
    return {table: JsonLines(path / f"{table}.jsonl") for table in TABLES}


def open_hub(hub: str) -> dict[str, Source]:
    """The three tables of a data set on the hub, by their configuration names."""
    return {table: HubRows(hub, table) for table in TABLES}


def read_survey(
    rows: Iterable[Row], attributes: Sequence[Attribute], locale: str | None, tally: Counter[str]
) -> Survey:
    """The people, with a category for each attribute.

    Raises:
        InputError: a row is wrong, a user_id occurs twice, answers have no category, or nobody is of the locale.
    """
    unlisted = Unlisted(attributes)
    lines: dict[str, int] = {}
    raters: dict[str, Surveyed] = {}
    locales: Counter[str] = Counter()
    for row in rows:
        row.require(_SURVEY_COLUMNS)
        user = _new_identifier(row, "user_id", lines)
        here = row.text("study_locale") or ""
        locales[here] += 1
        if locale is None or here == locale:
            categories = categories_of(row, attributes, unlisted, tally)
            raters[user] = Surveyed(here, row.flag("included_in_US_REP"), categories)
    if locale is not None and locale not in locales:
        found = ", ".join(f"{name!r} ({count})" for name, count in sorted(locales.items()))
        raise InputError(f"data.locale: nobody's study_locale is {locale!r}; the survey has {found}")
    unlisted.refuse()
    tally["raters_other_locale"] += len(lines) - len(raters)
    return Survey(raters, frozenset(lines) - frozenset(raters), unlisted)


def read_conversations(
    rows: Iterable[Row], survey: Survey, texts: CleanTexts, tally: Counter[str]
) -> dict[str, Conversation]:
    """The conversations of the survey's raters by id; those of people of other locales have no history.

    Raises:
        InputError: a row is wrong, a conversation_id occurs twice, or a user is not in the survey.
    """
    lines: dict[str, int] = {}
    found: dict[str, Conversation] = {}
    for row in rows:
        row.require(_CONVERSATION_COLUMNS)
        conversation = _new_identifier(row, "conversation_id", lines)
        user = _surveyed_user(row, survey)
        history = _history(row, texts, tally) if user in survey.raters else {}
        found[conversation] = Conversation(user, history)
    return found


def _history(row: Row, texts: CleanTexts, tally: Counter[str]) -> dict[int, Exchange | None]:
    """The exchange of every turn that the history tells something of."""
    prompts: dict[int, str | None] = {}
    replies: dict[int, list[Response]] = {}
    for message in row.entries("conversation_history"):
        message.require(_MESSAGE_COLUMNS)
        turn, role = message.whole("turn"), message.values["role"]
        text = texts.usable(message.text("content"))
        replies.setdefault(turn, [])
        if role == "user":
            # A turn has one prompt; a second one would be an error of the export, and is counted.
            if prompts.setdefault(turn, text) != text:
                tally["history_second_prompts"] += 1
        elif role in ("model", "assistant"):
            replies[turn].append(Response(text, message.number_or_none("score"), message.flag("if_chosen")))
        else:
            raise message.error(f"role is {shown(role)}; it must be 'user' or 'model'")
    return {turn: exchange(prompts.get(turn), given) for turn, given in replies.items()}


def read_utterances(
    rows: Iterable[Row],
    survey: Survey,
    conversations: Mapping[str, Conversation],
    texts: CleanTexts,
    tally: Counter[str],
) -> dict[str, dict[str, Turns]]:
    """Scored responses by rater, conversation and turn, those of a turn in their order.

    Raises:
        InputError: a row is wrong, an utterance_id occurs twice, a user is not in the survey, or the
            conversation belongs to somebody else.
    """
    lines: dict[str, int] = {}
    owners = {name: conversation.user for name, conversation in conversations.items()}
    found: dict[str, dict[str, Turns]] = {}
    for row in rows:
        row.require(_UTTERANCE_COLUMNS)
        name = _new_identifier(row, "utterance_id", lines)
        user = _surveyed_user(row, survey)
        conversation = row.identifier("conversation_id")
        owner = owners.setdefault(conversation, user)
        if owner != user:
            raise row.error(
                f"conversation {shown(conversation)} belongs to user {shown(owner)}, not to {shown(user)}; "
                "one person rates a conversation: correct user_id or conversation_id"
            )
        if user not in survey.raters:
            tally["utterances_other_locale"] += 1
            continue
        utterance = _utterance(row, name, texts)
        _count_unusable(utterance, tally)
        turns = found.setdefault(user, {}).setdefault(conversation, {})
        turns.setdefault(row.whole("turn"), []).append(utterance)
    for by_conversation in found.values():
        for turns in by_conversation.values():
            for utterances in turns.values():
                utterances.sort(key=lambda u: (u.position, u.utterance_id))
    return found


def _utterance(row: Row, name: str, texts: CleanTexts) -> Utterance:
    return Utterance(
        position=row.whole("within_turn_id"),
        utterance_id=name,
        prompt=texts.usable(row.text("user_prompt")),
        response=texts.usable(row.text("model_response")),
        score=row.number_or_none("score"),
        chosen=row.flag("if_chosen"),
    )


def _count_unusable(utterance: Utterance, tally: Counter[str]) -> None:
    """Counts an utterance that can be in no pair, under one reason."""
    if utterance.prompt is None:
        tally["utterances_placeholder_prompt"] += 1
    elif utterance.response is None:
        tally["utterances_placeholder_response"] += 1
    elif utterance.score is None:
        tally["utterances_without_score"] += 1


def _new_identifier(row: Row, column: str, lines: dict[str, int]) -> str:
    """An id that has not occurred yet; `lines` remembers where each was."""
    value = row.identifier(column)
    first = lines.setdefault(value, row.number)
    if first != row.number:
        raise row.error(
            f"{column} {shown(value)} occurs twice, first at {row.source.where(first)}; "
            "ids must be unique: remove or rename one of the two rows"
        )
    return value


def _surveyed_user(row: Row, survey: Survey) -> str:
    user = row.identifier("user_id")
    if user not in survey.raters and user not in survey.elsewhere:
        example = listed(sorted([*survey.raters, *survey.elsewhere])[:3])
        raise row.error(
            f"user_id {shown(user)} is not in the survey (which has {example}, …); "
            "the three files must belong together: add the person to the survey, or remove the row"
        )
    return user
