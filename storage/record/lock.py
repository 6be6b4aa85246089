"""The lock of a run: whoever holds it is the one engine that may write there."""

from __future__ import annotations

import fcntl
import os
import time

from core.run_folder import RunFolder
from storage.errors import StorageError, sentences

_PATIENCE = 1.0
"""Seconds to wait for the lock: a reader that probes it holds it for microseconds."""


def take_lock(folder: RunFolder) -> int:
    """The descriptor of the locked lock file, which holds the engine's process id; closing it lets go of the lock.

    A request to stop that an engine before this one did not live to heed goes; one that comes later is for this holder.

    Raises:
        StorageError: another engine holds it, by its process id; or the file system gives no locks.
    """
    with sentences(folder.lock):
        folder.control.mkdir(exist_ok=True)
        descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StorageError(
                f"another engine (process {holder}) works on {folder.root.name}; "
                "watch it with `dempo watch`, or stop it with `dempo stop`"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise StorageError(
                f"{folder.lock}: this file system gives no locks ({error.strerror}), and without one two engines could "
                "write one record; keep the runs on a local disk (--runs-dir, DEMPO_RUNS), or mount NFS with locks: "
                "version 4, or version 3 with rpc.statd, or local_lock=flock where this machine alone uses it"
            ) from None
    with sentences(folder.lock):
        folder.stop_request.unlink(missing_ok=True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
