"""Every kind of event that a run records, and the `Recorder` through which stages record them.

An event is a frozen pydantic model with a literal `kind`. Its fields become the payload, as RFC 8785
canonical JSON. Events of a unit of work also carry `unit` and `attempt` in the payload; the
`Recorder` adds and removes them. `docs/events.md` is generated from this file (`make events`).

Numbers that JSON cannot hold exactly are strings: seeds, numerators, decimal targets. NaN and the
infinities are the strings "nan", "inf" and "-inf". Lengths of time are seconds.
Fields marked volatile may differ between two runs that are "the same" (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from core.events.base import (
    Artifact,
    Event,
    Part,
    Text,
    decode_text,
    digest,
    encode_text,
    named_number,
)
from core.events.data import (
    FileRead,
    PairsBuilt,
    PoolBounds,
    PoolBuilt,
    PoolLeftOut,
    PoolRater,
    PoolType,
    UnlistedAnswer,
)
from core.events.earlier_calls import OtherRuns
from core.events.engine import (
    EarlierPlan,
    EngineStarted,
    EngineStopped,
    HeadSigned,
    OperatorAction,
    RunCreated,
    SeedDerived,
    SettingChange,
    SettingsChanged,
    StageCompleted,
    StagePlanned,
    StageSkipped,
    StageStarted,
    UnitCompleted,
)
from core.events.evaluation import (
    AnswerGiven,
    AnswerRead,
    AnswerReceived,
    AnswersRead,
    Clause,
    JudgeCalled,
    JudgeReopened,
    ModelLinked,
    PlannedQuestion,
    QuestionsGenerated,
    QuestionsPlanned,
    RankingsRead,
    TakenFrom,
)
from core.events.plan import (
    HypothesisTested,
    PlanDeviated,
    PlannedHypothesis,
    PlanRecorded,
    PlanTested,
)
from core.events.ranking import (
    AgreementComputed,
    AgreementRow,
    ClauseCell,
    ClauseRow,
    ClausesScored,
    ComparedRow,
    DiagnosticsComputed,
    GoldCompared,
    GoldRanking,
    GoldRead,
    GoldRow,
    JuryBoard,
    LeaderboardComputed,
    LeaderboardRow,
    LengthControlledComputed,
    LengthControlledRow,
    LengthProblem,
    OrderAnalysis,
    PairApart,
    PairFlip,
    PairwiseComputed,
    PairwiseRow,
    PublishedCompared,
    PublishedRead,
    QuestionAgreementComputed,
    QuestionAgreementRow,
    RobustnessComputed,
)
from core.events.sortition import (
    AlternatesOfType,
    DrawAlternates,
    DrawCommitted,
    DrawDecided,
    DrawMade,
    LotteryBounded,
    LotteryDiagnosed,
    LotteryLevel,
    LotteryPanel,
    LotteryQuotas,
    LotterySolved,
    LotteryTypes,
    PeopleCompared,
    PeopleRead,
    QuotaRow,
)
from core.events.training import (
    Candidate,
    ConditionPlanned,
    DecileShare,
    HeldOutMeasured,
    HeldOutRater,
    HeldOutRow,
    HeldOutSplit,
    ModelReady,
    RecoveryMeasured,
    ReferenceComputed,
    StepsMatched,
    TokensMade,
    TrainCheckpoint,
    TrainPredicted,
    TrainStart,
    TrainState,
    TrainStep,
    UpdateMeasured,
    UpdateRow,
    WeightRow,
    WeightsRealised,
)
from core.facts.formats import SCHEMA_VERSION

E = TypeVar("E", bound=Event)

_ORDER = ("engine", "data", "sortition", "training", "evaluation", "ranking", "plan")

EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in sorted(Event.__subclasses__(), key=lambda cls: _ORDER.index(cls.__module__.rpartition(".")[2]))
}
"""Every event class by its kind, in the order in which a run records them."""


def decode(kind: str, payload: Mapping[str, Any]) -> Event:
    """The event that a recorded payload stands for; `unit` and `attempt` have been taken out.

    Raises:
        KeyError: a kind that this version doesn't know (a newer program wrote it).
    """
    return EVENTS[kind].model_validate(payload)


class Recorder(OtherRuns, Protocol):
    """Where a stage writes, and where it reads back what earlier engines finished."""

    def record(
        self,
        stage: str,
        events: Sequence[Event],
        *,
        unit: tuple[str, int] | None = None,
        blobs: Sequence[bytes] = (),
    ) -> None:
        """Appends events (of one unit and attempt) and their blobs in one transaction."""
        ...

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        """Events of the last completed attempt of every unit of the stage that was not reopened since, by unit."""
        ...

    def every(self, kind: type[E]) -> list[E]:
        """All events of a kind, those of attempts that count no more as well."""
        ...

    def attempts(self, stage: str) -> dict[str, int]:
        """The highest attempt begun or completed, by unit."""
        ...

    def interrupted(self, stage: str, unit: str) -> tuple[Event, ...]:
        """Events of the last attempt of a unit, where that was not completed; none where nothing was begun."""
        ...

    def leaf_key(self, kind: str, *about: str) -> str:
        """The key of the salts in the tree of an event of a kind about something, hex: the same for every attempt."""
        ...

    def text(self, sha256: str) -> str:
        """The text of a blob."""
        ...

    def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        """Tells people how far a long piece of work is; not part of the record.

        Args:
            left: seconds until the whole stage is done, where somebody knows: then it is the stage, and not the unit
                under way, of which `done` and `total` are told.
        """
        ...
