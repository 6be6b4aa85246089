"""Tables from the Hugging Face hub (or a folder laid out like one), through the `datasets` library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from core.data.files.rows import Row
from core.errors import InputError
from core.events import FileRead

SPLIT = "train"


class HubRows:
    """The rows of one configuration of a data set, `train` split.

    The hub's file is not seen here, only its rows, so size and SHA-256 are those of the rows written as
    JSON Lines with sorted keys: the same rows always have the same hash.
    """

    def __init__(self, hub: str, config: str) -> None:
        self.name = config
        self.done = 0.0
        self._hub = hub
        self._data = _load(hub, config)
        self.total = float(len(self._data))
        self._bytes = 0
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[Row]:
        self.done, self._bytes, self._hash = 0.0, 0, hashlib.sha256()
        for number, values in enumerate(self._data, start=1):
            line = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str).encode() + b"\n"
            self._hash.update(line)
            self._bytes += len(line)
            self.done += 1
            yield Row(self, number, values)
        if not self.done:
            raise InputError(f"{self._hub}, {self.name}: the table is empty")

    def where(self, number: int) -> str:
        return f"{self._hub}, {self.name}, row {number}"

    def file_read(self) -> FileRead:
        return FileRead(
            name=f"{self.name} (rows)", bytes=self._bytes, sha256=self._hash.hexdigest(), rows=int(self.done)
        )


def _load(hub: str, config: str) -> Any:
    """The table, downloaded or from the cache (`HF_HOME`); `HF_HUB_OFFLINE=1` forbids the download."""
    import datasets

    try:
        return datasets.load_dataset(hub, name=config, split=SPLIT)
    except (datasets.exceptions.DatasetsError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"data.hub: cannot load the table {config!r} of {hub!r}: {reason}; check the name and the network "
            "(HF_HUB_OFFLINE, HF_TOKEN), or download the data set and set data.path to its folder instead"
        ) from error
