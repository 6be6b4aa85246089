"""JSON Lines files, read as a stream: one object per line, hashed while it is read.

What people get wrong is refused with the line and a remedy: a Git LFS pointer instead of the data,
text that is not UTF-8, a line that is not JSON or not an object, an empty file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from core.data.files.rows import Row, shown
from core.errors import InputError
from core.events import FileRead

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonLines:
    """The rows of one file. Blank lines are skipped; a byte order mark at the start is ignored."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.done = 0.0
        self._path = path
        self._rows = 0
        self._hash = hashlib.sha256()
        try:
            self.total = float(path.stat().st_size)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error

    def __iter__(self) -> Iterator[Row]:
        self.done, self._rows, self._hash = 0.0, 0, hashlib.sha256()
        try:
            with self._path.open("rb") as stream:
                for number, line in enumerate(stream, start=1):
                    self._hash.update(line)
                    self.done += len(line)
                    if number == 1:
                        line = self._first(line)
                    if not line.isspace() and line:
                        self._rows += 1
                        yield Row(self, number, self._parse(number, line))
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {error.strerror}") from error
        if self._rows == 0:
            raise InputError(f"{self._path} is empty; it should hold one JSON object per line")

    def where(self, number: int) -> str:
        return f"{self._path}, line {number}"

    def file_read(self) -> FileRead:
        return FileRead(name=self.name, bytes=int(self.done), sha256=self._hash.hexdigest(), rows=self._rows)

    def _first(self, line: bytes) -> bytes:
        line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.startswith(_LFS_POINTER):
            raise InputError(
                f"{self.where(1)}: this is a Git LFS pointer, not the data; "
                "run `git lfs pull` in the folder's repository, then try again"
            )
        return line

    def _parse(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            value = _DECODER.decode(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.where(number)}: byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
            ) from error
        except json.JSONDecodeError as error:
            raise InputError(
                f"{self.where(number)}: this line is not JSON ({error.msg}, column {error.colno}); each line must be "
                "one JSON object; where it is the last line, the file may have been cut off: fetch it again"
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.where(number)}: this line is not JSON that can be read ({error})") from error
        if not isinstance(value, dict):
            raise InputError(
                f"{self.where(number)}: this line is {shown(value)}, not a JSON object; "
                "each line must be one object {…} (JSON Lines), not a list of them"
            )
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
