"""The catalogue of events on paper is the one in the code."""

from pathlib import Path

from core.events import EVENTS
from core.events.catalogue import catalogue


def test_the_page_is_current() -> None:
    page = Path(__file__).parent.parent / "docs" / "events.md"
    told = "`make events` writes it; docs/architecture.md says what records of before are then"
    assert page.read_text(encoding="utf-8") == catalogue(), told


def test_every_field_of_every_event_is_described() -> None:
    for kind, event in EVENTS.items():
        assert event.__doc__, kind
        assert all(field.description for field in event.model_fields.values()), kind
