"""Where the program's own files lie: the folder that holds `core`, `storage` and `tui`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
