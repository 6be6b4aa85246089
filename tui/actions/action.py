"""What a key does, where, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """What a key does, and where.

    id is unique. `do` is Textual's name of the action on the app, screen or widget ("turn(-1)" calls `action_turn`);
    empty for keys that Textual's own widgets take. `keys` are Textual's names, separated by commas; where there is
    none, the palette alone offers the action. `label` names the action in the footer and the palette, `words` say what
    it does. `places` are the screens and widgets whose bindings hold it, `tabs` those of a run on which it does
    something (all where none is named). `shown` is the key as people write it, where that differs. `twin` is the
    command line that does the same.
    """

    id: str
    do: str
    keys: str
    label: str
    words: str
    places: tuple[str, ...]
    tabs: tuple[str, ...] = ()
    shown: str = ""
    twin: str = ""
    footer: bool = True
    """Whether the last line of the screen names it; the others stand in help and palette."""
    quiet: tuple[str, ...] = ()
    """Places whose last line does not name it, though that of others does."""
    explains: bool = False
    """Where the screen does not offer it, its key says why (`LiveScreen.why_not`)."""

    @property
    def key(self) -> str:
        """As people write it; empty where the palette alone offers the action."""
        return self.shown or self.keys
