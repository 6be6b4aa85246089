"""Which program made a record: a digest of its own files, and the commit that checkout or installer note."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.data.pseudonyms import PLANTED
from core.program.environment import engine_started
from core.program.provenance import OWN, checkout_state, files_digest, own_files, provenance

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "0123456789abcdef" * 2 + "01234567"
ASK = """
import json
from core.program.provenance import provenance
found = provenance()
print(json.dumps([found.version, found.files, found.commit, found.dirty]))
"""


def installed(site: Path, url: dict[str, Any] | None = None, record: bool = True) -> Path:
    """The program's files as an installer leaves them, with what it notes beside them."""
    for name in OWN:
        copy_part(ROOT / name, site / name)
    copy_part(ROOT / "examples", site / "tui" / "examples")
    notes = site / "dempo-0.1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: dempo\nVersion: 0.1.0\n", encoding="utf-8")
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(d).rstrip(b'=').decode()},1" for path, d in own_files(site).items()
    ]
    cached = "core/__pycache__/config.cpython-311.pyc,,"
    if record:
        (notes / "RECORD").write_text("\n".join([*lines, cached, f"{notes.name}/RECORD,,"]) + "\n", encoding="utf-8")
    if url is not None:
        (notes / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
    return site


def copy_part(source: Path, target: Path) -> None:
    """A package or a module, without what Python caches."""
    if source.is_file():
        shutil.copy(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def asked(site: Path) -> tuple[str, str, str | None, bool | None]:
    """What the program that lies there says of itself, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=site,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, files, commit, dirty = json.loads(done.stdout)
    return version, files, commit, dirty


def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    (tmp_path / "core" / "__pycache__").mkdir(parents=True)
    (tmp_path / "core" / "__pycache__" / "b.pyc").write_bytes(b"cached")
    (tmp_path / "core" / ".hidden").write_bytes(b"swap")
    (tmp_path / "core" / "b.py").write_bytes(b"b = 1\n")
    (tmp_path / "tui").mkdir()
    (tmp_path / "tui" / "app.tcss").write_bytes(b"x")
    (tmp_path / "tui" / "examples").mkdir()
    (tmp_path / "tui" / "examples" / "demo.toml").write_bytes(b"")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.py").write_bytes(b"other")
    (tmp_path / "dempo.py").write_bytes(b"main()\n")
    names = ("core/b.py", "dempo.py", "tui/app.tcss")
    lines = "".join(f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    assert files_digest(own_files(tmp_path)) == hashlib.sha256(lines.encode()).hexdigest()


def test_every_engine_says_which_files_it_ran() -> None:
    event = engine_started(resumed=False, secret=PLANTED)
    assert event.files == files_digest(own_files(ROOT)) == provenance().files
    assert provenance() is provenance(), "read once per process"
    assert (event.commit, event.dirty) == checkout_state(ROOT)
    assert event.program == "checkout", "whatever version of it was installed once"


@pytest.mark.parametrize(
    ("url", "commit"),
    [
        ({"url": "https://example.org/dempo", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, COMMIT),
        ({"url": "file:///tmp/dempo.whl", "archive_info": {"hash": "sha256=00"}}, None),
        (None, None),
    ],
)
def test_an_installed_program_has_the_files_of_its_checkout_and_the_commit_that_was_noted(
    url: dict[str, Any] | None, commit: str | None, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # a repository around it is not its own
    site = installed(tmp_path / "site", url)
    assert asked(site) == ("0.1.0", files_digest(own_files(ROOT)), commit, False)


def test_edited_installed_files_are_noticed(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    before = asked(site)
    for change in ("edited", "added", "removed"):
        path = site / "storage" / ("errors.py" if change != "added" else "extra.py")
        kept = path.read_bytes() if path.exists() else b""
        if change == "removed":
            path.unlink()
        else:
            path.write_bytes(kept + b"# by hand\n")
        found = asked(site)
        assert found[1] != before[1]
        assert found[3] is True
        path.unlink(missing_ok=True)
        if kept:
            path.write_bytes(kept)
    assert asked(site) == before


def test_without_a_record_of_the_files_nobody_knows_whether_they_were_changed(tmp_path: Path) -> None:
    assert asked(installed(tmp_path / "site", record=False))[2:] == (None, None)


def test_what_is_installed_elsewhere_says_nothing_of_these_files(tmp_path: Path) -> None:
    """As in a checkout, or a copy of one, that runs beside an installed dempo."""
    site = installed(tmp_path / "site", {"url": "x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}})
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in OWN:
        shutil.move(site / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{site}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    version, _, *told = json.loads(done.stdout)
    assert (version, told) == ("checkout", [None, None])


def test_an_engine_says_how_many_cores_it_may_use() -> None:
    """Durations of two runs mean little without it."""
    code = "from core.program.environment import engine_started; print(engine_started(False, b'').cores)"
    taskset = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    command = [*taskset, sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True)
    assert int(done.stdout) == (1 if taskset else os.cpu_count())
