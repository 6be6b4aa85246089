"""What a person chose for the app, kept in `~/.config/dempo/app.toml`: today the theme.

The file is theirs too: comments and other keys stay as they are, and one that cannot be read is put aside, not
overwritten, once there is something to keep.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from pathlib import Path

_THEME = re.compile(r"""^[ \t]*(theme|"theme"|'theme')[ \t]*=[^\n#]*""", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


class AppSettings:
    """The file at `path`, read once; `problem` is a sentence where it holds something that cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.theme, self.problem = "", ""
        self._text: str | None = ""
        try:
            self._text = path.read_text(encoding="utf-8")
            theme = tomllib.loads(self._text).get("theme", "")
        except FileNotFoundError:
            return
        except OSError as error:
            self._text, self.problem = None, f"{path} cannot be read: {error.strerror or error}"
        except ValueError as error:  # UTF-8 or TOML
            self._text, self.problem = None, f"{path} is not a file of settings (TOML): {error}"
        else:
            self.theme = theme if isinstance(theme, str) else ""
            if theme != self.theme:
                self.problem = f"{path}: theme is {theme!r}; give a name in quotes"

    @classmethod
    def of_user(cls) -> AppSettings:
        """Those of the person who runs this, `$XDG_CONFIG_HOME` first."""
        given = os.environ.get("XDG_CONFIG_HOME")
        return cls((Path(given) if given else Path.home() / ".config") / "dempo" / "app.toml")

    def keep_theme(self, name: str) -> str:
        """Writes the theme down, in one step; a sentence about what did not go as one expects, or ""."""
        line = f"theme = {json.dumps(name)}"
        text = f"{line}\n" if self._text is None else _with(self._text, line)
        told, aside = "", self.path.with_name(f"{self.path.name}.unreadable")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._text is None:
                self.path.replace(aside)
                told = f"what stood in {self.path} is now in {aside}"
            _replace(self.path.resolve(), text)
        except OSError as error:
            return f"the theme could not be kept in {self.path}: {error.strerror or error}"
        self._text, self.theme, self.problem = text, name, ""
        return told


def _with(text: str, line: str) -> str:
    """The text with this line in the place of its theme, or in front of it where it has none."""
    table = _TABLE.search(text)
    end = table.start() if table else len(text)
    found = _THEME.search(text, 0, end)
    return f"{line}\n{text}" if found is None else f"{text[: found.start()]}{line}{text[found.end() :]}"


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
