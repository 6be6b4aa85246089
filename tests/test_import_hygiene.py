"""The app must open in a moment and on machines without a GPU stack: it imports none of the engine's libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "trl", "accelerate", "datasets", "pyomo", "highspy", "openai", "scipy")


def test_importing_the_app_loads_no_engine_library() -> None:
    root = Path(__file__).resolve().parent.parent
    code = f"import sys, tui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_app_loads_no_stage() -> None:
    root = Path(__file__).resolve().parent.parent
    parts = ("core.data", "core.sortition", "core.training", "core.evaluation", "core.ranking", "core.pipeline")
    # Facts on the standard library alone, no stage: a checker of proofs, and how boards are ordered.
    facts = ("core.sortition", "core.facts.sortition.proof", "core.ranking", "core.facts.ranking.positions")
    code = f"import sys, tui.app; print([n for n in sys.modules if n.startswith({parts!r}) and n not in {facts!r}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
