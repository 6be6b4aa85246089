"""`dempo export`: a run as one zip that a stranger can check, read and cite.

Everything in it is made from a snapshot of the database, so that an engine may go on writing meanwhile. The same
record makes the same bytes: the zip holds no time of its own. docs/audit.md lists what is in it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.export.contents import artifacts_of, facts_of, signers_of, small_files, write_events
from storage.export.crate import metadata
from storage.export.crowd import crowd_of, small_categories
from storage.export.opening import NAME as README
from storage.export.opening import readme
from storage.export.pack import pack
from storage.export.plots.figures import figures
from storage.export.redaction import NOTE, Redaction, redaction_of, withhold
from storage.export.report import report
from storage.export.statements import LICENCES, limits
from storage.export.tables import write_tables
from storage.export.target import check_target
from storage.record.foreign import CRATE_MARK, MARK, is_imported, refuse_links
from storage.record.reader import connect
from storage.record.run_folders import require_record
from storage.snapshot import snapshot
from storage.verifier.contents.whole import file_digest
from storage.verifier.ground.reading import read_record
from storage.verifier.shipped import CHAIN_NAME, VERIFIER_NAME, chain_text, verifier_text
from storage.verifier.vouching.kept import HEADS_FOLDER
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify_all

MARGIN = 64 * 1024**2
"""Bytes that are left free beside an estimate."""

SNAPSHOTS = 5
"""An export needs this many times the record on its way, at most: two copies, events, tables, and the zip."""

_NOT_IN_BUNDLES = frozenset({"registry", "head files", "bundle"})
"""Checks of files that lie beside a record and stay there: a bundle says the same whatever becomes of them."""

Told = Callable[[str, float, float], None]
"""Called with what is being done, done and total."""


@dataclass(frozen=True)
class Exported:
    """What was written: the bundle, its SHA-256, and the head of the chain that it holds."""

    path: str
    sha256: str
    bytes: int
    files: int
    run_id: str
    seq: int
    head: str
    redacted: bool
    left_out: tuple[str, ...]
    failed_checks: tuple[str, ...]


def export_run(
    root: Path,
    target: Path,
    *,
    redact: bool = False,
    k: int | None = None,
    force: bool = False,
    agent: str | None = None,
    told: Told,
) -> Exported:
    """Writes the run in `root` as a bundle to `target`, whole or not at all.

    Args:
        redact: leave out texts, and what leads back to the source.
        k: leave out rows about people and types too; LIMITS.md names the categories of fewer than k people, whose
            counts remain.

    Raises:
        InputError: `target` exists and `force` is false, or lies in a folder that isn't there or cannot be written;
            `agent` is no name.
        StorageError: there is no record, the disk hasn't the space, or the bundle would be too large.
    """
    if agent is not None and not agent.strip():
        raise InputError("--agent names nobody; give the name of who answers for the run, or leave --agent out")
    folder = RunFolder(root)
    require_record(folder)
    if is_imported(root):
        refuse_links(root)
    check_target(target, force)
    check_space(folder, target)
    beside = target.absolute().parent
    with (
        sentences(target),
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=beside) as scratch,
    ):
        return _Export(folder, Path(scratch), redact, k, agent, told).write(target)


def space_needed(folder: RunFolder) -> int:
    """Bytes that an export may need on the way, its result and `MARGIN` included."""
    record = sum(path.stat().st_size for path in folder.root.glob("audit.db*"))
    artifacts = sum(path.stat().st_size for path in folder.artifacts.glob("*") if path.is_file())
    return SNAPSHOTS * record + artifacts + MARGIN


def check_space(folder: RunFolder, target: Path) -> None:
    """Refuses to begin where the disk would fill up.

    Raises:
        StorageError: with the numbers.
    """
    needed, free = space_needed(folder), shutil.disk_usage(target.absolute().parent).free
    if free < needed:
        raise StorageError(
            f"{target}: an export of {folder.root.name} needs up to {(needed - MARGIN) / 1024**2:,.1f} MiB on the way, "
            f"plus {MARGIN / 1024**2:.0f} MiB that are kept free, and {free / 1024**2:,.1f} MiB are free; free some "
            "space, or name a place on another disk with --to"
        )


class _Export:
    """One export under way: `files` are the names and paths of what goes into the bundle."""

    def __init__(
        self, folder: RunFolder, scratch: Path, redact: bool, k: int | None, agent: str | None, told: Told
    ) -> None:
        self.folder = folder
        self.scratch = scratch
        self.agent = agent
        self.told = told
        self.withheld_before = redaction_of(folder.root)
        self.redact = redact or k is not None or self.withheld_before is not None
        self.k = k if self.withheld_before is None or self.withheld_before.k is None else self.withheld_before.k
        self.files: dict[str, Path] = {}
        self.left_out: list[str] = []

    def write(self, target: Path) -> Exported:
        """Makes every file and packs them."""
        database = self._snapshot()
        self.told("checking the record", 1, 8)
        foreign = is_imported(self.folder.root)  # then its files lie still, and are all those that came
        checks = [check.row() for check in verify_all(self.folder.root if foreign else database.parent)]
        self.told("copying artifacts", 2, 8)
        self._artifacts(database)
        with closing(connect(database)) as db:
            crowd = crowd_of(db) if self.redact else None
            few = small_categories(db, self.k) if self.k is not None else []
        database = self._redacted(database) if self.redact else database
        self.files["audit.db"] = database
        self._config()
        with closing(connect(database)) as db:
            self.told("writing events", 3, 8)
            self.files["events.jsonl"] = write_events(db, self.scratch / "events.jsonl")
            for name, text in small_files(db).items():
                self._add(name, text)
            facts, signers = facts_of(db), signers_of(db)
            self.told("drawing plots", 4, 8)
            plots = figures(db)
        self.told("writing tables", 5, 8)
        self.files |= write_tables(database, self.scratch, self.redact)
        for plot in plots:
            self._add(f"plots/{plot.name}.svg", plot.svg)
        self.told("writing the report", 6, 8)
        statement = limits(crowd, self.k, few, self.redact)
        shown = [check for check in checks if check["name"] not in _NOT_IN_BUNDLES]
        self._add("report.html", report(database, plots, shown, statement, self.redact, self.files.keys()))
        self._add("LIMITS.md", statement)
        self._add("LICENSES.md", LICENCES)
        self._add(VERIFIER_NAME, verifier_text())
        self._add(CHAIN_NAME, chain_text())
        self._add(README, readme(facts, signers, (*self.files, CRATE_MARK)))
        self._add(CRATE_MARK, metadata(self.files, facts, self.agent))
        total = sum(path.stat().st_size for path in self.files.values())
        pack(self.files, target, lambda done: self.told("packing", 7 + done / max(total, 1), 8))
        return Exported(
            path=str(target),
            sha256=file_digest(target),
            bytes=target.stat().st_size,
            files=len(self.files) + 1,
            run_id=facts.run_id,
            seq=facts.seq,
            head=facts.head,
            redacted=self.redact,
            left_out=tuple(self.left_out),
            failed_checks=tuple(str(check["name"]) for check in checks if check["verdict"] == "failed"),
        )

    def _snapshot(self) -> Path:
        """The database as it is now, in a folder that looks like the run's, so that it can be verified there.

        The files of signed heads come first: an engine may sign another one meanwhile.
        """
        self.told("taking a snapshot", 0, 8)
        root = self.folder.root.resolve()
        copy = self.scratch / "run" / root.name
        copy.mkdir(parents=True)
        foreign = is_imported(root)
        if not foreign and (root / HEADS_FOLDER).is_dir():
            shutil.copytree(root / HEADS_FOLDER, copy / HEADS_FOLDER)
        for name in ("artifacts", NOTE, CRATE_MARK, MARK, *([HEADS_FOLDER] if foreign else ())):
            if (root / name).exists():
                (copy / name).symlink_to(root / name)
        database = copy / "audit.db"
        snapshot(self.folder.database, database)
        return database

    def _config(self) -> None:
        """The configuration as given; that of a stranger is compared with nothing, so it is not passed on."""
        if not self.folder.config.is_file():
            return
        if self.redact:
            self.left_out.append("config.toml, which may name folders and people; the record holds what it says")
        elif is_imported(self.folder.root):
            self.left_out.append("config.toml, which came in a bundle; the record holds the resolved configuration")
        else:
            self.files["config.toml"] = self.folder.config

    def _artifacts(self, database: Path) -> None:
        """Adds the artifacts that events refer to; a redaction leaves all of them out."""
        with closing(connect(database)) as db:
            names = list(artifacts_of(db))
        for name in names if not self.redact else ():
            path = self.folder.artifacts / name
            if path.is_file():
                self.files[f"artifacts/{name}"] = path
            else:
                self.left_out.append(f"artifacts/{name}, which is missing from the run's folder")
        if self.redact and names:
            self.left_out.append(f"{len(names)} artifacts, which hold texts or the order of the source")
        if (self.folder.checkpoints).is_dir() and any(self.folder.checkpoints.iterdir()):
            self.left_out.append("checkpoints; the events name their files by SHA-256")

    def _redacted(self, database: Path) -> Path:
        copy = self.scratch / "redacted.db"
        withhold(database, copy, self.k)
        texts = len(read_record(copy, tree_facts()).missing)
        database.unlink()
        self._add(NOTE, Redaction(texts, self.k).note())
        return copy

    def _add(self, name: str, body: str) -> None:
        path = self.scratch / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode("utf-8", "replace"))
        self.files[name] = path
