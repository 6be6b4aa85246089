"""What became of the searches of a number of steps (`steps_match`), for whoever shows how far models moved."""

from __future__ import annotations

from storage.record.reader import Reader


def searches_told(reader: Reader) -> list[str]:
    """A sentence for each search: what was chosen, and whether its update is as large as it should be."""
    found = []
    for _, _, search in reader.recorded("SELECT kind, payload FROM events WHERE kind = 'steps.matched' ORDER BY seq"):
        off = "within" if search["matched"] else "NOT within"
        found.append(
            f"{search['condition']}: {search['steps']} steps, the best of {len(search['candidates'])} that were tried; "
            f"its relative update {search['relative']:.3g} is {off} {search['tolerance']:.0%} of "
            f"{search['target']:.3g}, the mean of {', '.join(search['like'])}"
        )
    return found
