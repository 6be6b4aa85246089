"""What people are told about a run that came in a bundle: the same words in the app and in `dempo show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.visible import one_line
from storage.check import VERDICTS
from storage.imports.origin import Origin
from tui.widgets.figures import moment

_VERIFIERS: Mapping[str, str] = {
    "same": "its {} is that of this version",
    "different": "its {} is not that of this version: don't run it",
    "missing": "it holds no {}",
    "unknown": "nobody noted whose its {} is",
}


def origin_lines(origin: Origin) -> list[str]:
    """Where the run came from, how much of it there is, whose its verifiers were, and what was found at import."""
    texts = "redacted" if origin.redacted else "not redacted"
    verifier = _VERIFIERS[origin.verifier].format("verify.py")
    if origin.chain != origin.verifier:
        verifier += f"; {_VERIFIERS[origin.chain].format('chain.py')}"
    if origin.how == "unpacked":
        return [f"unzipped by hand and checked by nobody; {texts}", f"{verifier}; `dempo verify` checks the record"]
    source = one_line(origin.source, 60) or "a bundle"
    when = f", {moment(origin.at)} UTC" if origin.at else ""
    return [f"imported from {source}{when}; {texts}", f"checked at import: {_told(origin.verdicts)}", verifier]


def _told(verdicts: Sequence[tuple[str, str]]) -> str:
    """How many checks were ok, and the names of those that were not."""
    if not verdicts:
        return "nobody noted the verdicts"
    parts = [f"{sum(verdict == 'ok' for _, verdict in verdicts)} ok"]
    for verdict in VERDICTS[1:]:
        names = [one_line(name, 30) for name, found in verdicts if found == verdict]
        parts += [f"{len(names)} {verdict} ({', '.join(names)})"] if names else []
    return ", ".join(parts)
