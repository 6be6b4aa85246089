"""What is said to the person who gave a command."""

from __future__ import annotations

import sys


def tell(sentence: str) -> None:
    """Says something on standard error."""
    print(f"dempo: {sentence}", file=sys.stderr)
