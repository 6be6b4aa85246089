"""Where the program's own files lie: the folder that holds `core`, `storage` and `tui`."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def import_path() -> str:
    """PYTHONPATH of a process of this program: a checkout is not installed, and the process must find it too, before
    anything else by these names."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
