"""Reading a zip that somebody else made: hostile until proven otherwise.

The accepted format is narrower than zip: what `storage.export.pack` writes and nothing else. The directory is parsed
here rather than by `zipfile`, which looks for a directory anywhere near the end and believes what it says. The entries
must tile the file without a gap or an overlap, each local header must agree with the directory, and every byte that
is inflated is counted. Zip64, comments, extra fields, encryption and data descriptors are refused: they serve to say
two things at once, and a bundle below 2 GiB needs none of them. Zips inside are files like others; none is opened.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError
from storage.verifier.ground.reading import MANIFEST_NAME as MANIFEST

MOST_ENTRIES = 20_000
MOST_BYTES = 2 * 1024**3 - 1
"""Of a bundle: what a zip without its 64-bit extension holds everywhere."""

MOST_INFLATED = 8 * 1024**3
"""Of everything in a bundle together."""

FREE = 64 * 1024**2
"""Inflated bytes of an entry that are never too many, however well they compress."""

RATIO = 200
"""How many times as large as its compressed self an entry above `FREE` may be."""

_DIRECTORY_BYTES = 8 * 1024**2
_MANIFEST_BYTES = 8 * 1024**2
_CHUNK = 64 * 1024
_STORED, _DEFLATED = 0, 8
_PLAIN_FLAGS = 0x0806
"""Deflate's two level bits and the bit that says names are UTF-8."""

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class BundleRefused(InputError):
    """The bundle is not what `dempo export` writes; nothing of it was kept."""


@dataclass(frozen=True)
class ZipEntry:
    """One file of the bundle, as its directory describes it; `start` is where its data begin."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int
    start: int


class Bundle:
    """An open bundle whose directory was checked. Use as a context."""

    def __init__(self, path: Path) -> None:
        """Opens a bundle and reads its directory and its manifest.

        Raises:
            BundleRefused: anything about the zip is other than `dempo export` writes it.
            OSError: the file cannot be read.
        """
        self.path = path
        if not stat.S_ISREG(path.stat().st_mode):
            raise BundleRefused(f"{path} is no file")
        self._stream = path.open("rb")
        try:
            self.entries = {entry.name: entry for entry in _directory(self._stream)}
            self.manifest = self._read_manifest()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    @property
    def inflated(self) -> int:
        """Bytes of everything in it, as the directory says; no more than that will be written."""
        return sum(entry.size for entry in self.entries.values())

    def digest(self) -> str:
        """SHA-256 of the bundle itself."""
        self._stream.seek(0)
        return hashlib.file_digest(self._stream, "sha256").hexdigest()

    def extract(self, folder: Path, told: Callable[[int], None]) -> None:
        """Inflates and checks every entry, and writes it below `folder`.

        Args:
            told: called with the number of bytes inflated since the last call.

        Raises:
            BundleRefused: an entry is not what the directory or the manifest says.
        """
        for entry in self.entries.values():
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                self._copy(entry, out, told)
                out.flush()
                os.fsync(out.fileno())

    def read(self, name: str, most: int) -> bytes:
        """The content of a small entry.

        Raises:
            BundleRefused: it is missing or larger than `most`.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise BundleRefused(f"there is no {name} in it")
        if entry.size > most:
            raise BundleRefused(f"its {name} is too large ({entry.size:,} bytes)")
        return b"".join(inflate(self._stream, entry))

    def _copy(self, entry: ZipEntry, out: BinaryIO, told: Callable[[int], None]) -> None:
        state = hashlib.sha256()
        for chunk in inflate(self._stream, entry):
            state.update(chunk)
            out.write(chunk)
            told(len(chunk))
        if entry.name != MANIFEST and state.hexdigest() != self.manifest[entry.name]:
            raise BundleRefused(f"{entry.name!r} is not the file that the manifest names (its SHA-256 differs)")

    def _read_manifest(self) -> dict[str, str]:
        try:
            lines = self.read(MANIFEST, _MANIFEST_BYTES).decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise BundleRefused("its manifest is not UTF-8") from error
        if lines.pop() != "":
            raise BundleRefused("its manifest is cut off")
        named: dict[str, str] = {}
        for line in lines:
            found = _LINE.fullmatch(line)
            if found is None or found[2] in named or found[2] == MANIFEST:
                raise BundleRefused(f"its manifest holds a line that names no file or one named before: {line[:90]!r}")
            named[found[2]] = found[1]
        for name in sorted(self.entries.keys() - named.keys() - {MANIFEST}):
            raise BundleRefused(f"{name!r} is not in the manifest")
        for name in sorted(named.keys() - self.entries.keys()):
            raise BundleRefused(f"{name!r} is in the manifest and missing from the bundle")
        return named


def inflate(stream: BinaryIO, entry: ZipEntry) -> Iterator[bytes]:
    """The content of an entry, in chunks; never one byte more than the directory says.

    Raises:
        BundleRefused: the data are longer, shorter or other than the directory says.
    """
    seen = crc = 0
    for chunk in _unpacked(stream, entry):
        seen += len(chunk)
        if seen > entry.size:
            raise BundleRefused(f"{entry.name!r} is larger than the {entry.size:,} bytes that the zip says")
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if seen != entry.size or crc != entry.crc:
        raise BundleRefused(f"{entry.name!r} is damaged (its size or checksum is not what the zip says)")


def _unpacked(stream: BinaryIO, entry: ZipEntry) -> Iterator[bytes]:
    left = entry.packed
    stream.seek(entry.start)
    if entry.method == _STORED:
        while left:
            chunk = stream.read(min(left, _CHUNK))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
        return
    inflater, pending = zlib.decompressobj(-zlib.MAX_WBITS), b""
    try:
        while not inflater.eof:
            if not pending and left:
                pending = stream.read(min(left, _CHUNK))
                left -= len(pending)
            given, chunk = pending, inflater.decompress(pending, _CHUNK)
            pending = inflater.unconsumed_tail
            if not given and not chunk:
                return  # cut off: the size tells
            if chunk:
                yield chunk
    except zlib.error as error:
        raise BundleRefused(f"{entry.name!r} cannot be inflated ({error})") from error
    if left or pending or inflater.unused_data:
        raise BundleRefused(f"{entry.name!r} hides data behind its end")


def _directory(stream: BinaryIO) -> list[ZipEntry]:
    """Every entry, after checking that directory and local headers agree and fill the file exactly."""
    size = stream.seek(0, os.SEEK_END)
    if not _END.size <= size <= MOST_BYTES:
        raise BundleRefused(f"it is no bundle: {size:,} bytes")
    stream.seek(size - _END.size)
    magic, disk, first, here, count, length, offset, comment = _END.unpack(stream.read(_END.size))
    if magic != b"PK\x05\x06" or comment:
        raise BundleRefused("it does not end as a zip does: no zip, or data behind its end")
    if disk or first or here != count or offset + length + _END.size != size:
        raise BundleRefused("its directory does not lie where its end says (zip64, several disks or hidden data)")
    if count > MOST_ENTRIES or length > _DIRECTORY_BYTES:
        raise BundleRefused(f"it holds {count:,} entries; a bundle has no more than {MOST_ENTRIES:,}")
    stream.seek(offset)
    entries = _check_local(stream, _central(stream.read(length), count), offset)
    _check_names(entries)
    _check_sizes(entries)
    return entries


def _central(directory: bytes, count: int) -> list[ZipEntry]:
    entries, at = [], 0
    for _ in range(count):
        fixed = directory[at : at + _CENTRAL.size]
        if len(fixed) < _CENTRAL.size or fixed[:4] != b"PK\x01\x02":
            raise BundleRefused("its directory is damaged")
        (_, made_by, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, attributes, header) = (
            _CENTRAL.unpack(fixed)
        )
        raw = directory[at + _CENTRAL.size : at + _CENTRAL.size + name]
        at += _CENTRAL.size + name
        if extra or comment or disk or len(raw) != name:
            raise BundleRefused(f"entry {raw[:90]!r} has extra fields or a comment (zip64 or hidden data)")
        _check_kind(raw, flags, method, attributes, made_by >> 8)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BundleRefused(f"the name {raw[:90]!r} is not UTF-8") from error
        entries.append(ZipEntry(text, method, crc, packed, size, header, 0))
    if at != len(directory):
        raise BundleRefused("its directory holds more than its entries")
    return entries


def _check_kind(raw: bytes, flags: int, method: int, attributes: int, system: int) -> None:
    if flags & 1:
        raise BundleRefused(f"{raw[:90]!r} is encrypted")
    if flags & ~_PLAIN_FLAGS or method not in (_STORED, _DEFLATED):
        raise BundleRefused(f"{raw[:90]!r} is packed in a way that bundles are not")
    kind = stat.S_IFMT(attributes >> 16)
    if kind not in (0, stat.S_IFREG) or attributes & 0x10 or system not in (0, 3):
        raise BundleRefused(f"{raw[:90]!r} is a link, a folder or a device; a bundle holds plain files")


def _check_local(stream: BinaryIO, entries: list[ZipEntry], end: int) -> list[ZipEntry]:
    """The entries with the start of their data, in the order of the file, which they must fill without a gap."""
    placed, at = [], 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        if entry.header != at:
            raise BundleRefused(f"{entry.name!r} overlaps another entry or leaves a gap before it")
        stream.seek(at)
        fixed = stream.read(_LOCAL.size)
        if len(fixed) < _LOCAL.size:
            raise BundleRefused(f"{entry.name!r} has no header of its own")
        magic, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(fixed)
        described = (magic, method, crc, packed, size, extra, flags & ~_PLAIN_FLAGS)
        expected = (b"PK\x03\x04", entry.method, entry.crc, entry.packed, entry.size, 0, 0)
        if described != expected or stream.read(name) != entry.name.encode():
            raise BundleRefused(f"{entry.name!r} is described in two ways by the zip's two headers")
        start = at + _LOCAL.size + name
        at = start + entry.packed
        placed.append(ZipEntry(entry.name, method, crc, packed, size, entry.header, start))
    if at != end:
        raise BundleRefused("it holds data that belong to no entry")
    return placed


def _check_names(entries: list[ZipEntry]) -> None:
    seen: dict[str, str] = {}
    for name in (entry.name for entry in entries):
        if not name or len(name) > 200 or any(unicodedata.category(c)[0] == "C" for c in name):
            raise BundleRefused(f"the name {name[:90]!r} is empty, too long or holds control characters")
        if name.startswith("/") or "\\" in name or ":" in name:
            raise BundleRefused(f"the name {name!r} leads out of the bundle (absolute path, drive or backslash)")
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise BundleRefused(f"the name {name!r} leads out of the bundle or names no file")
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        if key in seen:
            raise BundleRefused(f"the names {seen[key]!r} and {name!r} are the same to some file systems")
        seen[key] = name
    for key, name in seen.items():
        parents = key.split("/")[:-1]
        if any("/".join(parents[: i + 1]) in seen for i in range(len(parents))):
            raise BundleRefused(f"the name {name!r} goes through a file")


def _check_sizes(entries: list[ZipEntry]) -> None:
    for entry in entries:
        if entry.size > max(FREE, RATIO * entry.packed):
            raise BundleRefused(f"{entry.name!r} would grow from {entry.packed:,} to {entry.size:,} bytes: a zip bomb")
        if entry.method == _STORED and entry.size != entry.packed:
            raise BundleRefused(f"{entry.name!r} is stored and has two sizes")
    total, packed = sum(entry.size for entry in entries), sum(entry.packed for entry in entries)
    if total > min(MOST_INFLATED, max(4 * FREE, RATIO * packed)):
        raise BundleRefused(f"it would grow to {total:,} bytes: a zip bomb")
