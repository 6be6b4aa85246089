"""Zips made to harm: each is refused with a sentence, and reading costs no more than the limits allow."""

from __future__ import annotations

import hashlib
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from storage.export.pack import pack
from storage.imports import bundle as limits
from storage.imports.bundle import MANIFEST, Bundle, BundleRefused


@dataclass(frozen=True)
class Part:
    """One entry of a zip written by hand; what is given here goes into both headers unless a twin says otherwise."""

    name: bytes
    body: bytes
    method: int = 8
    flags: int = 0
    attributes: int = 0o100644 << 16
    made_by: int = 3 << 8
    extra: bytes = b""
    comment: bytes = b""
    size: int | None = None
    packed: bytes | None = None
    crc: int | None = None
    local_name: bytes | None = None
    local_extra: bytes = b""
    local_size: int | None = None


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def zip_of(*parts: Part, gap: bytes = b"", tail: bytes = b"", comment: bytes = b"", count: int | None = None) -> bytes:
    """A zip with exactly these bytes; `gap` stands before the directory and `tail` after the end."""
    out, directory = b"", b""
    for part in parts:
        packed = part.packed if part.packed is not None else deflated(part.body) if part.method == 8 else part.body
        size = len(part.body) if part.size is None else part.size
        crc = zlib.crc32(part.body) if part.crc is None else part.crc
        name = part.name if part.local_name is None else part.local_name
        local_size = size if part.local_size is None else part.local_size
        header = len(out)
        out += struct.pack(
            "<4s5H3L2H",
            b"PK\x03\x04",
            20,
            part.flags,
            part.method,
            0,
            33,
            crc,
            len(packed),
            local_size,
            len(name),
            len(part.local_extra),
        )
        out += name + part.local_extra + packed
        directory += struct.pack(
            "<4s6H3L5H2L",
            b"PK\x01\x02",
            part.made_by,
            20,
            part.flags,
            part.method,
            0,
            33,
            crc,
            len(packed),
            size,
            len(part.name),
            len(part.extra),
            len(part.comment),
            0,
            0,
            part.attributes,
            header,
        )
        directory += part.name + part.extra + part.comment
    number = len(parts) if count is None else count
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, len(directory), len(out) + len(gap), len(comment)
    )
    return out + gap + directory + end + comment + tail


def manifest_of(*parts: Part) -> Part:
    lines = [f"{hashlib.sha256(part.body).hexdigest()}  ".encode() + part.name + b"\n" for part in parts]
    return Part(MANIFEST.encode(), b"".join(lines))


GOOD = Part(b"audit.db", b"the record " * 50)
OTHER = Part(b"tables/a.csv", b"a,b\n1,2\n")


def with_manifest(*parts: Part) -> bytes:
    return zip_of(*parts, manifest_of(*parts))


def opened(tmp_path: Path, body: bytes) -> Path:
    """Reads a whole bundle into a folder and returns the folder."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(body)
    with Bundle(path) as bundle:
        bundle.extract(tmp_path / "out", lambda more: None)
    return tmp_path / "out"


def refusal(tmp_path: Path, body: bytes) -> str:
    with pytest.raises(BundleRefused) as refused:
        opened(tmp_path, body)
    return str(refused.value)


def test_a_zip_by_hand_is_read_as_one_by_the_exporter(tmp_path: Path) -> None:
    """The hand-made zips below differ from a good one in one thing each."""
    out = opened(tmp_path, with_manifest(GOOD, replace(OTHER, method=0)))
    assert (out / "audit.db").read_bytes() == GOOD.body
    assert (out / "tables" / "a.csv").read_bytes() == OTHER.body
    assert zipfile.ZipFile(tmp_path / "bundle.zip").testzip() is None


def test_what_pack_writes_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "large").write_bytes(bytes(range(256)) * 5000)
    files = {"empty": tmp_path / "empty", "a/large": tmp_path / "large"}
    pack(files, tmp_path / "packed.zip", lambda more: None)
    out = opened(tmp_path, (tmp_path / "packed.zip").read_bytes())
    assert (out / "a/large").read_bytes() == (tmp_path / "large").read_bytes()
    assert (out / "empty").read_bytes() == b""


NAMES = {
    b"/etc/passwd": "absolute path",
    b"../../escape": "leads out of the bundle",
    b"a/../../b": "leads out of the bundle",
    b"./a": "leads out of the bundle",
    b"a//b": "leads out of the bundle",
    b"a\\..\\b": "backslash",
    b"C:/windows": "drive",
    b"c:evil": "drive",
    b"folder/": "names no file",
    b"": "empty",
    b"a\x00b": "control characters",
    b"a\x1b[2Jb": "control characters",
    b"a\nb": "control characters",
    "a\u202eb".encode(): "control characters",
    b"x" * 201: "too long",
    b"\xff\xfe": "is not UTF-8",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere_or_lie_are_refused(tmp_path: Path, name: bytes) -> None:
    assert NAMES[name] in refusal(tmp_path, with_manifest(GOOD, replace(OTHER, name=name)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"tables/a.csv", b"tables/a.csv"),
        (b"tables/a.csv", b"TABLES/A.csv"),
        ("caf\u00e9".encode(), "cafe\u0301".encode()),
        ("stra\u00dfe".encode(), b"STRASSE"),
        ("\ufb01le".encode(), b"file"),
    ],
)
def test_names_that_are_the_same_to_some_file_systems_are_refused(tmp_path: Path, first: bytes, second: bytes) -> None:
    parts = (replace(OTHER, name=first), replace(OTHER, name=second))
    assert "the same to some file systems" in refusal(tmp_path, zip_of(*parts, manifest_of(parts[0])))


def test_a_file_that_is_a_folder_of_another_is_refused(tmp_path: Path) -> None:
    parts = (replace(OTHER, name=b"a"), replace(OTHER, name=b"A/b"))
    assert "goes through a file" in refusal(tmp_path, with_manifest(*parts))


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR], ids=hex
)
def test_links_folders_and_devices_are_refused(tmp_path: Path, mode: int) -> None:
    link = replace(OTHER, body=b"/etc/passwd", attributes=(mode | 0o777) << 16)
    assert "a link, a folder or a device" in refusal(tmp_path, with_manifest(GOOD, link))


CHANGES: dict[str, tuple[Part, str]] = {
    "dos folder": (replace(OTHER, attributes=0x10), "a link, a folder or a device"),
    "another system": (replace(OTHER, made_by=7 << 8), "a link, a folder or a device"),
    "encrypted": (replace(OTHER, flags=1), "is encrypted"),
    "descriptor": (replace(OTHER, flags=8), "packed in a way"),
    "strong encryption": (replace(OTHER, flags=0x40), "packed in a way"),
    "masked headers": (replace(OTHER, flags=0x2000), "packed in a way"),
    "bzip2": (replace(OTHER, method=12), "packed in a way"),
    "zip64 sizes": (replace(OTHER, size=0xFFFFFFFF, extra=struct.pack("<2H2Q", 1, 16, 8, 8)), "zip64"),
    "unicode path": (replace(OTHER, extra=struct.pack("<2HBL", 0x7075, 6, 1, 0) + b"x"), "extra fields"),
    "comment": (replace(OTHER, comment=b"hidden"), "a comment"),
    "extra in the local header": (replace(OTHER, local_extra=b"\x01\x00\x00\x00"), "in two ways"),
    "two names": (replace(OTHER, local_name=b"tables/b.csv"), "in two ways"),
    "two sizes": (replace(OTHER, local_size=9), "in two ways"),
    "too small a size": (replace(OTHER, size=3), "larger than the 3 bytes"),
    "too large a size": (replace(OTHER, size=30), "is damaged"),
    "another checksum": (replace(OTHER, crc=1), "is damaged"),
    "stored with two sizes": (replace(OTHER, method=0, size=3), "stored and has two sizes"),
    "no deflate": (replace(OTHER, packed=b"\xff" * 20), "cannot be inflated"),
    "cut deflate": (replace(OTHER, packed=deflated(OTHER.body)[:-3]), "is damaged"),
    "nothing": (replace(OTHER, packed=b""), "is damaged"),
    "data behind the stream": (replace(OTHER, packed=deflated(OTHER.body) + b"hidden"), "hides data"),
    "a size that is a bomb": (replace(OTHER, size=3 * 1024**3), "a zip bomb"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_that_is_other_than_written_is_refused(tmp_path: Path, change: str) -> None:
    part, sentence = CHANGES[change]
    body = zip_of(GOOD, part, manifest_of(GOOD, OTHER))
    assert sentence in refusal(tmp_path, body)


def test_what_the_manifest_does_not_say_is_refused(tmp_path: Path) -> None:
    assert "'tables/a.csv' is not in the manifest" in refusal(tmp_path, zip_of(GOOD, OTHER, manifest_of(GOOD)))
    assert "missing from the bundle" in refusal(tmp_path, zip_of(GOOD, manifest_of(GOOD, OTHER)))
    lie = replace(GOOD, body=b"another record")
    assert "its SHA-256 differs" in refusal(tmp_path, zip_of(lie, manifest_of(GOOD)))
    assert "there is no manifest.sha256" in refusal(tmp_path, zip_of(GOOD))


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"no line",
        b"00  audit.db\n",
        hashlib.sha256(GOOD.body).hexdigest().encode() + b" *audit.db\n",
        hashlib.sha256(GOOD.body).hexdigest().upper().encode() + b"  audit.db\n",
        2 * (hashlib.sha256(GOOD.body).hexdigest().encode() + b"  audit.db\n"),
        hashlib.sha256(GOOD.body).hexdigest().encode() + b"  audit.db\n" + b"0" * 64 + b"  manifest.sha256\n",
        b"\xff\n",
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    sentence = refusal(tmp_path, zip_of(GOOD, Part(MANIFEST.encode(), manifest)))
    assert "manifest" in sentence


SHAPES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"no zip at all" * 20, "no zip"),
    "empty": (lambda: b"", "it is no bundle"),
    "data behind the end": (lambda: zip_of(GOOD, manifest_of(GOOD), tail=b"x"), "data behind its end"),
    "a comment": (lambda: zip_of(GOOD, manifest_of(GOOD), comment=b"x"), "data behind its end"),
    "a zip in the comment": (
        lambda: zip_of(GOOD, manifest_of(GOOD), comment=zip_of(OTHER)),
        "its directory does not lie where its end says",
    ),
    "data before the start": (lambda: b"MZ" + with_manifest(GOOD), "its directory does not lie"),
    "data before the directory": (lambda: zip_of(GOOD, manifest_of(GOOD), gap=b"x" * 9), "belong to no entry"),
    "too few counted": (lambda: zip_of(GOOD, manifest_of(GOOD), count=1), "more than its entries"),
    "too many counted": (lambda: zip_of(GOOD, manifest_of(GOOD), count=3), "directory is damaged"),
    "zip64 end": (lambda: zip_of(GOOD, manifest_of(GOOD), count=0xFFFF), "entries"),
    "cut off": (lambda: with_manifest(GOOD)[:-30], "does not end as a zip does"),
    "entries that overlap": (lambda: overlapping(), "overlaps another entry"),
    "a hole between entries": (lambda: with_hole(), "leaves a gap"),
}


def overlapping() -> bytes:
    """Two entries in the directory for one piece of data: how a small zip becomes a large one."""
    body = with_manifest(GOOD)
    end = len(body) - 22
    offset, length = (
        struct.unpack("<L", body[end + 16 : end + 20])[0],
        struct.unpack("<L", body[end + 12 : end + 16])[0],
    )
    directory = body[offset : offset + length]
    first = directory[: 46 + len(GOOD.name)]
    twin = first.replace(b"audit.db", b"audit.d2")
    changed = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3, 3, length + len(twin), offset, 0)
    return body[:offset] + directory + twin + changed


def with_hole() -> bytes:
    """The second entry begins a little later than the first one ends."""
    first, second = zip_of(GOOD), zip_of(manifest_of(GOOD))
    start = struct.unpack("<L", first[-6:-2])[0]
    hole = b"hidden"
    moved = start + len(hole)
    other = struct.unpack("<L", second[-6:-2])[0]
    central = second[other:-22]
    central = central[:42] + struct.pack("<L", moved) + central[46:]
    data = first[:start] + hole + second[:other]
    directory = first[start:-22] + central
    return data + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(data), 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_zip_that_says_two_things_is_refused(tmp_path: Path, shape: str) -> None:
    make, sentence = SHAPES[shape]
    assert sentence in refusal(tmp_path, make())


def test_more_entries_than_a_bundle_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ENTRIES", 2)
    assert "no more than 2" in refusal(tmp_path, with_manifest(GOOD, OTHER))


@pytest.mark.long
@pytest.mark.timeout(60)
def test_a_bomb_is_bounded_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    """1 GiB of zeros in 1 MiB whose header says 60 MB: reading ends where the header's size ends."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1024**2)) for _ in range(1024)) + packer.flush()
    bomb = replace(OTHER, packed=packed, size=60_000_000, crc=0)
    body = zip_of(bomb, manifest_of(GOOD))
    tracemalloc.start()
    sentence = refusal(tmp_path, zip_of(bomb, manifest_of(bomb)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "larger than the 60,000,000 bytes" in sentence
    assert peak < 4 * len(body) + 8 * 1024**2
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 60_000_000


def test_many_small_bombs_are_one_bomb(tmp_path: Path) -> None:
    packed = deflated(bytes(60_000_000))
    parts = [replace(OTHER, name=f"tables/{i}".encode(), packed=packed, size=60_000_000) for i in range(8)]
    assert "it would grow to 480,0" in refusal(tmp_path, zip_of(*parts, manifest_of(*parts)))


def test_a_long_text_that_compresses_well_is_no_bomb(tmp_path: Path) -> None:
    long = Part(b"audit.db", b"y" * 30_000_000)
    assert (opened(tmp_path, with_manifest(long)) / "audit.db").stat().st_size == 30_000_000


def test_a_zip_inside_is_a_file_like_others(tmp_path: Path) -> None:
    inner = Part(b"artifacts/inner.zip", with_manifest(GOOD))
    out = opened(tmp_path, with_manifest(GOOD, inner))
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["audit.db", "inner.zip", MANIFEST]


def test_something_that_is_no_file_is_refused_without_reading(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BundleRefused, match="is no file"):
        Bundle(tmp_path / "pipe")


def test_any_changed_byte_is_refused_or_changes_nothing_that_counts(tmp_path: Path) -> None:
    """Every byte of a small bundle in turn: what is read is what was packed, or nothing is."""
    whole = with_manifest(OTHER)
    for at in range(len(whole)):
        body = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            out = opened(folder, body)
        except BundleRefused:
            continue
        assert (out / "tables/a.csv").read_bytes() == OTHER.body, f"byte {at}"
