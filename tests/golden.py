"""Writes the golden record of the current schema version into `tests/data/golden`.

Run it only for a new schema version, or where a rule of computation was found wrong. Records of older versions stay:
a reader must go on reading them.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from core.events import SCHEMA_VERSION  # noqa: E402
from storage.record.reader import Reader  # noqa: E402
from storage.record.schema import VIEWS  # noqa: E402

GOLDEN = HERE / "data" / "golden" / f"v{SCHEMA_VERSION}"


def views(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Every view of a record as JSON values."""
    reader = Reader(root)
    return json.loads(json.dumps({name: reader.view(name) for name in VIEWS}))  # type: ignore[no-any-return]


def main() -> None:
    """Makes the record, compacted and without what lies beside it."""
    from sample_run import make_sample_run

    shutil.rmtree(GOLDEN, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = make_sample_run(Path(scratch))
        target = GOLDEN / root.name
        target.mkdir(parents=True)
        with sqlite3.connect(root / "audit.db") as db:
            db.execute("VACUUM INTO ?", [str(target / "audit.db")])
        for name in ("artifacts", "private"):
            shutil.copytree(root / name, target / name)
    expected = json.dumps(views(target), indent=1, ensure_ascii=True)
    (GOLDEN / "views.json").write_text(expected + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
