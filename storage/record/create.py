"""Making a run: its id, its folder, its genesis event and its registry entry."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from core.config import RunConfig, resolved
from core.config_file import LoadedConfig
from core.data.pseudonyms import PLANTED, read_secret, secret_of
from core.errors import InputError
from core.events import SCHEMA_VERSION, EarlierPlan, RunCreated
from core.facts.chain import CHAIN_DOMAIN
from core.facts.places import without_places
from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.plans.earlier_plans import earlier_plans
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.registry import enter_late, registration
from storage.record.schema import VIEWS_VERSION
from storage.verifier.contents.whole import is_simulated


def create_run(loaded: LoadedConfig, text: str, runs: Path, linked_to: Path | None = None) -> Path:
    """Creates a run below `runs` and returns its folder; the engine has still to be started.

    Args:
        text: the configuration as given; the resolved one is in the genesis event.
        linked_to: the run that this one continues or repeats.

    Raises:
        StorageError: the folder or the registry's entry cannot be made, or the id is taken (ids are never reused), or
            the record of a run that a plan has to be seen beside cannot be read.
    """
    config = loaded.config
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{config.run.name}"
    folder = RunFolder(runs / run_id)
    if folder.root.exists():
        raise StorageError(f"{folder.root} exists; ids are never reused, so try again in a second")
    earlier = earlier_plans(config, linked_to)
    with registration(runs) as registry:
        secret = secret_for(config, runs)
        first = None if linked_to is None else Reader(linked_to).first_hash()
        genesis = _genesis(loaded, run_id, secret, registry.last, first, earlier)
        with Log.create(folder, genesis, secret) as log:
            with sentences(folder.config):
                folder.config.write_text(text, encoding="utf-8")
            registry.enter(run_id, log.head[1])
    return folder.root


def secret_for(config: RunConfig, runs: Path) -> bytes:
    """The secret of the pseudonyms of a new run: that of the file which the configuration names, or else one for all
    runs of the folder, in `private/` there.

    Raises:
        StorageError: it cannot be read or made.
    """
    if config.data.world is not None:
        return PLANTED
    if config.run.secret_file is not None:
        return _named_secret(config.run.secret_file)
    private = runs / "private"
    with sentences(private):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return secret_of(private)
        except InputError as error:
            raise StorageError(str(error)) from None


def _named_secret(path: Path) -> bytes:
    try:
        return read_secret(path)
    except InputError as error:
        raise StorageError(f"run.secret_file: {error}") from None


def _genesis(
    loaded: LoadedConfig,
    run_id: str,
    secret: bytes,
    registry: str,
    linked_to: str | None,
    earlier: list[EarlierPlan] | None,
) -> RunCreated:
    config, places = loaded.config, dict[str, str]()
    values = without_places(resolved(config), places)
    return RunCreated(
        domain=CHAIN_DOMAIN,
        run_id=run_id,
        schema_version=SCHEMA_VERSION,
        views=VIEWS_VERSION,
        name=config.run.name,
        seed=str(config.run.seed),
        config=values,
        places=places,
        origins=loaded.origins,
        simulated=is_simulated(values),
        secret=hashlib.sha256(secret).hexdigest(),
        registry=registry,
        linked_to=linked_to,
        earlier_plans=earlier,
    )


def complete_creation(log: Log) -> bool:
    """Enters a run in the registry that was cut off between its first event and its entry; says whether it did.

    Only a record that holds nothing but that event is entered late: one that holds more was worked on by engines, so
    it was made elsewhere, or its entry was taken away.

    Raises:
        StorageError: the registry cannot be written.
    """
    seq, head = log.head
    root = log.folder.root.resolve()
    return seq == 1 and log.genesis().run_id == root.name and enter_late(root.parent, root.name, head)
