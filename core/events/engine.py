"""The run, its engines, its stages and units."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from core.events.base import Event, Part, Sha256, described, sealed, volatile
from core.facts.ranking.hypotheses import Standing


class EarlierPlan(Part):
    """What another run had ranked and planned when this one was made, which repeats it or takes over what it holds.

    first is the hash of its first event; rankings how many of its judge calls gave one. fresh: nothing of it is taken
    over and its seed is another, so that this run makes data of its own. standings are those of this run's hypotheses
    that the other run's plan holds as well (`core.facts.ranking.hypotheses`), and changed the settings that differ.
    """

    run_id: str
    first: Sha256
    rankings: int
    fresh: bool
    standings: dict[str, Standing]
    changed: list[str]


class RunCreated(Event):
    """The genesis event: what this run is and the whole configuration it was given."""

    kind: ClassVar[str] = "run.created"
    domain: str = described("separates this chain from every other use of SHA-256")
    run_id: str = volatile("<utc yyyymmdd-hhmmss>-<name>")
    schema_version: int = described("version of the event catalogue and the database")
    views: int = described("version of the views that the database was made with")
    name: str = described("name of the run")
    seed: str = described("seed of the run, decimal")
    config: dict[str, Any] = described("resolved configuration; decimals as strings, of files the names")
    places: dict[str, str] = sealed("private", "the paths of these files, by key path", default_factory=dict)
    origins: dict[str, str] = described("where each value came from: file, set, default; by key path")
    simulated: bool = described("true where raters or judges are simulated (planted worlds)")
    secret: Sha256 = volatile("SHA-256 of the secret that pseudonyms and salts are made with")
    registry: Sha256 = volatile("hash of the last entry of the folder's registry before this run (64 zeros: none)")
    linked_to: Sha256 | None = volatile(
        "hash of the first event of the run that this one continues or repeats", default=None
    )
    earlier_plans: list[EarlierPlan] | None = volatile(
        "of a run with a plan: the runs that it repeats or takes over from", default=None
    )


class EngineStarted(Event):
    """An engine process took the run's lock."""

    kind: ClassVar[str] = "engine.started"
    pid: int = volatile("process id")
    host: str = volatile("HMAC-SHA256 of the host name under the secret of the run, first 12 hex digits")
    resumed: bool = volatile("false for the first engine of the run")
    program: str = volatile("version of dempo")
    files: Sha256 | None = volatile("SHA-256 over the program's own files (docs/audit.md)", default=None)
    commit: str | None = volatile("git commit of the checkout or of what was installed, if known", default=None)
    dirty: bool | None = volatile("whether the files were others than in that commit or installation", default=None)
    python: str = volatile("version of Python")
    platform: str = volatile("operating system and processor")
    cores: int | None = volatile("processor cores that the process may use", default=None)
    packages: dict[str, str] = volatile("installed versions of the packages that matter")
    environment: dict[str, str] = volatile("variables that matter; secrets as present or absent")
    devices: list[str] = volatile("accelerators, by name", default_factory=list)


class EngineStopped(Event):
    """An engine process let go of the run."""

    kind: ClassVar[str] = "engine.stopped"
    outcome: Literal["completed", "paused", "stopped", "failed"] = volatile(
        "completed: all stages; paused: the stage asked for by --until, or a draw waits for its public value; "
        "stopped: by the operator"
    )
    reason: str = sealed("private", "a sentence", volatile=True)
    exit_code: int = volatile("exit code of the process")


class HeadSigned(Event):
    """The head of the chain up to the event just before this one, signed as SSHSIG in the namespace "dempo-head".

    Signed are seven lines, each ending in a line feed: `dempo-head-2`, `run <run id>`, `genesis <hash of event 1>`,
    `seq <seq>`, `hash <hash>`, `root <root>` and `registry <registry>`.
    """

    kind: ClassVar[str] = "head.signed"
    seq: int = volatile("number of the event just before, the last one that the signature covers")
    hash: Sha256 = volatile("hash of that event")
    root: Sha256 = volatile("root of the tree over the hashes of events 1 to seq, as bytes (RFC 6962)")
    registry: Sha256 = volatile("hash of the last entry of the folder's registry (64 zeros: none)")
    signature: str = volatile("the signature, armoured as `ssh-keygen -Y sign` writes it")
    public_key: str = volatile("the signer's public key: its type and base64; nothing here says whose it is")
    fingerprint: str = volatile("SHA256:… of the public key")


class OperatorAction(Event):
    """Something a person asked for while the run existed."""

    kind: ClassVar[str] = "operator.action"
    action: str = volatile("stop, resume, …")
    detail: str = volatile("what was asked, in words", default="")


class SettingChange(Part):
    """One operational setting before and after; decimals as strings, absent where it has no value."""

    key: str
    old: str | bool | int | float | None = None
    new: str | bool | int | float | None = None


class SettingsChanged(Event):
    """Operational settings were changed when the run went on: the configuration is that of `run.created`, and all of
    these after it."""

    kind: ClassVar[str] = "settings.changed"
    changes: list[SettingChange] = volatile("key path, value before and value after, by key")


class StageStarted(Event):
    """A stage began (or began again after an interruption)."""

    kind: ClassVar[str] = "stage.started"
    name: str = described("name of the stage")
    version: int = described("version of the stage's code")
    key: Sha256 = described("SHA-256 of name, version, configuration slice, seed and the keys of its inputs")
    replay: str = described("how far the stage can be replayed: view, re-derive, re-solve, re-run, not replayable")


class StagePlanned(Event):
    """How many units of work the stage has; completed units over this number is its progress."""

    kind: ClassVar[str] = "stage.planned"
    name: str = described("name of the stage")
    units: int = described("number of units")


class StageCompleted(Event):
    """All units of a stage are recorded."""

    kind: ClassVar[str] = "stage.completed"
    name: str = described("name of the stage")
    key: Sha256 = described("the key of `stage.started`")
    seconds: float = volatile("time since this engine began the stage")


class StageSkipped(Event):
    """A stage has nothing to do in this run."""

    kind: ClassVar[str] = "stage.skipped"
    name: str = described("name of the stage")
    reason: str = described("why, as a key of `core/facts/words.py`")


class UnitCompleted(Event):
    """A unit of work is whole; events of the same unit with another attempt don't count."""

    kind: ClassVar[str] = "unit.completed"
    seconds: float = volatile("time the unit took")


class SeedDerived(Event):
    """The seed of a stage or of a unit that uses randomness."""

    kind: ClassVar[str] = "seed.derived"
    seed: str = described("the seed: a decimal, or 64 hex digits of a derived key")
    origin: str = described("how it came about, as a key of `core/facts/words.py`")
