"""A section that is a view of the record as it stands, with a remark; it vanishes where the view has no rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.export.pages import markup
from storage.export.sections.content import Content


@dataclass(frozen=True)
class OfView:
    """columns: those to show, all where none is named; decimals: of columns for which they do not follow from the
    numbers."""

    heading: str
    view: str
    remark: str = ""
    columns: tuple[str, ...] = ()
    decimals: dict[str, int] = field(default_factory=dict)

    def __call__(self, content: Content) -> str:
        shown = content.table(self.view, self.columns, decimals=self.decimals)
        return markup.under(self.heading, shown, markup.note(self.remark) if self.remark else "") if shown else ""
