"""The paths of a run directory (docs/architecture.md)."""

from __future__ import annotations

from pathlib import Path

SECRET_FILE = "pseudonym.key"
"""The secret of the pseudonyms, in `private/` of a run and of the folder of runs."""


class RunFolder:
    """The paths of one run directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "audit.db"
        self.config = root / "config.toml"
        self.artifacts = root / "artifacts"
        self.checkpoints = root / "checkpoints"
        self.private = root / "private"
        self.control = root / "control"
        self.lock = self.control / "engine.lock"
        self.log = self.control / "engine.log"
        self.progress = self.control / "progress.json"
        self.stop_request = self.control / "stop.request"
        self.verified = self.control / "verified.json"

    def create(self) -> None:
        """Makes the folders; `private/` is for the owner alone."""
        for folder in (self.root, self.artifacts, self.checkpoints, self.control):
            folder.mkdir(parents=True, exist_ok=True)
        self.private.mkdir(mode=0o700, exist_ok=True)
