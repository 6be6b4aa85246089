"""A disk that fills up while something is written: a sentence, exit code 1, nothing damaged, and it goes on later."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ended, dempo
from records import genesis
from test_faults import acknowledged, stored

from core.data.pseudonyms import PLANTED
from core.durable import durable_stream, write_durably
from core.events import digest
from core.run_folder import RunFolder
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verify import verify

HERE = Path(__file__).parent
WRITER = HERE / "fault_writer.py"
CONFIG = '[run]\nname = "full"\nseed = 1\n[data]\npath = "d"\n'


def limited(size: int) -> Callable[[], None]:
    """For a process that is started: its files grow no further than `size` bytes (Python ignores SIGXFSZ)."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def write(root: Path, *arguments: str, size: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(WRITER), str(root), *arguments]
    before = None if size is None else limited(size)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=before)


def is_whole(root: Path) -> bool:
    return all(check.verdict in ("ok", "unknown") for check in verify(root))


def new_record(runs: Path) -> Path:
    root = runs / "20260101-000000-full"
    Log.create(RunFolder(root), genesis(root.name), PLANTED).close()
    return root


@pytest.mark.parametrize("length", [300, *(pytest.param(n, marks=pytest.mark.long) for n in (30_000, 3_000_000))])
def test_a_record_that_may_not_grow_ends_with_a_sentence_and_goes_on_later(tmp_path: Path, length: int) -> None:
    root = new_record(tmp_path)
    size = (root / "audit.db").stat().st_size + 400_000
    ended = write(root, "--bytes", str(length), size=size)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"dempo: {root / 'audit.db'}: the disk ")
    assert "resume" in ended.stderr
    told = acknowledged(ended.stdout)
    assert stored(root)[-1] == told[-1], "what was refused left nothing"
    assert is_whole(root)
    assert write(root, "--bytes", str(length), size=size).returncode == 1, "still no space"
    assert is_whole(root)
    again = write(root, "--bytes", str(length), "--units", "3")
    assert again.returncode == 0
    assert acknowledged(again.stdout)[-1][0] >= told[-1][0] + 6
    assert is_whole(root)


@pytest.mark.long
def test_a_run_that_cannot_be_made_is_a_sentence_and_the_next_one_is_made(tmp_path: Path) -> None:
    for size in (0, 60_000):
        folder = tmp_path / str(size)
        ended = write(folder, "--register", size=size)
        assert ended.returncode == 1, ended.stderr
        assert ended.stderr.count("\n") == 1
        assert ended.stderr.startswith("dempo: ")
        for path in [path for path in folder.glob("*") if path.is_dir()]:
            path.rename(tmp_path / f"aside-{size}")  # the next run may be made within the same second
        made = write(folder, "--register")
        assert made.returncode == 0, made.stderr
        assert is_whole(folder / made.stdout.strip())


FILL = """
set -e
mount -t tmpfs -o size=2m none "$1" || exit 77
cd "$1"
"$2" "$3" RUN --create --units 3 > told
cp told "$4/told"
df -k . | tail -1 | awk '{print $4}' > free
head -c "$(( ($(cat free) - $5) * 1024 ))" /dev/zero > ballast || true
code=0; "$2" "$3" RUN --bytes 3000 > full 2> "$4/sentence" || code=$?
echo $code > "$4/code"
cp full "$4/full"
cp -r RUN "$4/at-the-end"
rm ballast
"$2" "$3" RUN --units 5 > "$4/later"
cp -r RUN "$4/after"
"""


@pytest.mark.long
@pytest.mark.parametrize("left", [0, 40, 200])
def test_a_disk_that_is_really_full_is_a_sentence_and_the_record_goes_on(tmp_path: Path, left: int) -> None:
    """In a mount of its own, with so many KiB left when the writer starts."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare (util-linux) is not here, so no small disk can be mounted")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FILL, "sh", disk, sys.executable, WRITER, kept, str(left)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if ended.returncode == 77 or "unshare" in ended.stderr:
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    assert (kept / "code").read_text() == "1\n"
    sentence = (kept / "sentence").read_text()
    assert sentence.count("\n") == 1
    assert sentence.startswith("dempo: RUN/audit.db")
    assert "free some space" in sentence or "check its space" in sentence, sentence
    told = acknowledged((kept / "told").read_text()) + acknowledged((kept / "full").read_text())
    assert set(told) <= set(stored(kept / "at-the-end"))
    later = acknowledged((kept / "later").read_text())
    assert len(later) == 6
    assert set(told + later) <= set(stored(kept / "after"))
    (kept / "after").rename(kept / "RUN")
    assert is_whole(kept / "RUN")


# ---- files beside the record

OLD, NEW = b"old " * 10, b"new " * 100_000


def in_a_limited_process(work: Callable[[], object], size: int = 100_000) -> int:
    """Exit code of `work` in a fork whose files may not grow beyond `size`: 0, or the number of the OSError."""
    child = os.fork()
    if child == 0:
        limited(size)()
        code = 0
        try:
            work()
        except OSError as error:
            code = error.errno or 255
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_file_that_does_not_fit_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / digest(NEW)
    path.write_bytes(OLD)

    def stream() -> None:
        with durable_stream(path) as out:
            for _ in range(100):
                out.write(NEW[:10_000])

    for work in (lambda: write_durably(path, NEW), stream):
        assert in_a_limited_process(work) == 27, "EFBIG"
        assert path.read_bytes() == OLD
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
    write_durably(path, NEW)
    assert path.read_bytes() == NEW


def test_an_artifact_is_whole_under_its_name_or_not_there(tmp_path: Path) -> None:
    from memory_recorder import make_context

    from core.config_file import parse_config

    ctx = make_context("pairs", parse_config(CONFIG).config, tmp_path)
    assert in_a_limited_process(lambda: ctx.store(NEW, "text/plain")) == 27
    assert list(ctx.folder.artifacts.iterdir()) == []
    artifact = ctx.store(NEW, "text/plain")
    assert ctx.load(artifact) == NEW


@pytest.mark.long
def test_the_engine_says_that_the_disk_is_full_and_is_resumed(tmp_path: Path) -> None:
    """The real program, whose disk fills up somewhere in its first stages."""
    root = demo(tmp_path, "pairs")
    size = (root / "audit.db").stat().st_size
    ended = engine(root, "draw", size=size // 2)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "the disk" in ended.stderr or "File too large" in ended.stderr
    assert is_whole(root)
    again = engine(root, "draw")
    assert again.returncode == 0, again.stderr
    assert is_whole(root)
    assert {row["stage"] for row in Reader(root).view("stages")} >= {"pairs", "pool", "lottery", "draw"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("stage", "size"),
    [
        pytest.param("model", 400_000, id="the base model"),
        pytest.param("train", 900_000, id="the state to resume training from"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_a_sentence_and_training_goes_on_later(
    tmp_path: Path, stage: str, size: int
) -> None:
    """The libraries that write models raise errors of their own."""
    root = demo(tmp_path, "conditions" if stage == "model" else "model")
    ended = engine(root, stage, "--quiet", size=size)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "a checkpoint could not be written" in ended.stderr
    assert Reader(root).status() == "failed"
    assert is_whole(root)
    again = engine(root, stage, "--quiet")
    assert again.returncode == 0, again.stderr
    assert is_whole(root)


def demo(runs: Path, until: str) -> Path:
    """A run of the demonstration up to a stage."""
    short = ("--set", "train.tiny.steps=1", "--set", "train.steps=4", "--set", "train.checkpoint_minutes=0")
    made = dempo("demo", "--until", until, "--runs-dir", runs, "--quiet", *short)
    assert made.returncode == 0, made.stderr
    (root,) = (path for path in runs.iterdir() if (path / "audit.db").is_file())
    return root


def engine(root: Path, *until: str, size: int | None = None) -> subprocess.CompletedProcess[str] | Ended:
    """`dempo resume`, in a process of its own where that may write files of so many bytes only."""
    words = ["resume", str(root), "--until", *until]
    if size is None:
        return dempo(*words)
    return subprocess.run(
        [sys.executable, "-m", "tui", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parent), "DEMPO_SIGNING_KEY": ""},
        cwd=HERE.parent,
        timeout=200,
        preexec_fn=limited(size),
    )
