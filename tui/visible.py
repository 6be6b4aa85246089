"""Showing text that may be hostile; the same in reports, so it lives in `core.visible`."""

from core.visible import LIMIT, clipped, escaped, one_line, visible

__all__ = ["LIMIT", "clipped", "escaped", "one_line", "visible"]
