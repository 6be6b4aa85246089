"""A writer that tests kill, starve and race: it loads no model, and says what the record has acknowledged.

    python fault_writer.py ROOT [--create] [--key KEY] [--units N] [--bytes N] [--sign-every N] [--pause SECONDS]

Prints a line `SEQ HASH` after each unit that `Log.record` returned from. Ends as `dempo` does: a sentence on standard
error and the exit code of the error.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from records import CONFIG, TEXT, answer, done, genesis  # noqa: E402

from core.data.pseudonyms import PLANTED  # noqa: E402
from core.errors import DempoError  # noqa: E402
from core.run_folder import RunFolder  # noqa: E402
from storage.record.create import create_run  # noqa: E402
from storage.record.log import Log  # noqa: E402
from storage.signatures.heads import HeadSigner  # noqa: E402


def main() -> None:
    """Reads the arguments, writes, and turns an error into its sentence."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path, help="folder of the run; with --register, the folder of the runs")
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--register", action="store_true", help="only create a run as `dempo run` does")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=300, help="length of each answer")
    parser.add_argument("--sign-every", type=int, default=5)
    parser.add_argument("--pause", type=float, default=0.0)
    given = parser.parse_args()
    try:
        if given.register:
            print(create_run(CONFIG, TEXT, given.root).name, flush=True)
        else:
            write(given)
    except DempoError as error:
        print(f"dempo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def write(given: argparse.Namespace) -> None:
    """Appends unit after unit, each of an answer and its text."""
    folder = RunFolder(given.root)
    with Log.create(folder, genesis(given.root.name), PLANTED) if given.create else Log.open(folder) as log:
        print(*log.head, flush=True)
        if given.key is not None:
            log.signer = HeadSigner(given.key, lambda sentence: print(sentence, file=sys.stderr, flush=True))
        begun = log.head[0]
        for number in range(begun, begun + given.units):
            event, text = answer(f"{number} ".encode() * (given.bytes // 5 + 1), f"1:{number}")
            log.record("answer", [event, done()], unit=(f"full/{number}", 1), blobs=[text])
            print(*log.head, flush=True)
            if given.key is not None and number % given.sign_every == 0:
                log.sign_head()
            time.sleep(given.pause)


if __name__ == "__main__":
    main()
