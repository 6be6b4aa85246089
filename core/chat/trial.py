"""A model's own chat template, tried before a run is created.

It is a stranger's program: it may never end. So it is tried in a process of its own, which is given up on; that also
keeps libraries that take seconds to load out of whoever asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from core.chat.choosing import carried_template
from core.chat.conversation import prompt_ids
from core.chat.installing import SAMPLES, load_tokenizer, require_trainable
from core.errors import DempoError, InputError
from core.program.place import import_path
from core.types import Message

SECONDS = 30.0
"""That rendering a few lines may take; it takes milliseconds."""

LOADING = 600.0
"""Seconds for the libraries and the tokenizer besides, on a machine with other work."""


def require_serving(
    source: str, revision: str | None, trained: bool, asked: Sequence[Sequence[Message]] = SAMPLES
) -> None:
    """Refuses a model whose own template cannot write the conversations that a run has with it.

    Args:
        source: a folder or a name on the hub.
        trained: whether answers are trained on, or only asked for.
        asked: the conversations with a model that is not trained.

    Raises:
        InputError: says what fails.
    """
    conversations = [[[message.role, message.content] for message in turns] for turns in asked]
    given = {"source": source, "revision": revision, "trained": trained, "conversations": conversations}
    command = [sys.executable, "-m", "core.chat.trial"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=LOADING,
            check=False,
            env={**os.environ, "PYTHONPATH": import_path()},
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"its tokenizer and chat template could not be tried within {LOADING:g} s") from None
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise InputError(f"its tokenizer and chat template could not be tried: {told}")
    if wrong := done.stdout.strip():
        raise InputError(wrong)


def tried(given: dict[str, Any]) -> str:
    """What is wrong with the template, as a sentence; empty where nothing is."""
    asked = [[Message(*message) for message in turns] for turns in given["conversations"]]
    try:
        tokenizer = load_tokenizer(given["source"], carried_template, given["revision"])
        write: Callable[[], object] = partial(prompt_ids, tokenizer, asked)
        return within(SECONDS, partial(require_trainable, tokenizer) if given["trained"] else write)
    except DempoError as error:
        return str(error)


def within(seconds: float, work: Callable[[], object]) -> str:
    """What is wrong with what is done, as a sentence; one that does not end is left behind."""
    wrong = [f"the model's chat template does not end: a few lines took it more than {seconds:g} s"]

    def done() -> None:
        try:
            work()
            wrong.append("")
        except DempoError as error:
            wrong.append(str(error))

    worker = threading.Thread(target=done, daemon=True)
    worker.start()
    worker.join(seconds)
    return wrong[-1]


def main() -> None:
    """Tries what is asked for on the standard input, and says what is wrong on the standard output."""
    wrong = tried(json.load(sys.stdin))
    sys.stdout.write(wrong)
    sys.stdout.flush()
    os._exit(0)  # a template that does not end would hold the process


if __name__ == "__main__":
    main()
