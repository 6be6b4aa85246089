"""Times as a record has them: ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def recorded_time(at: object) -> datetime | None:
    """A recorded time in UTC, which is meant where no zone is said; None where it is none."""
    try:
        found = datetime.fromisoformat(str(at))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
