"""What an engine ran on: versions, code, variables and devices; secrets only as present or absent."""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from core.errors import InputError
from core.program.place import ROOT
from core.program.provenance import output_of, provenance

if TYPE_CHECKING:
    from core.events import EngineStarted

PACKAGES = (
    "accelerate",
    "datasets",
    "highspy",
    "numpy",
    "openai",
    "peft",
    "pydantic",
    "pyomo",
    "scipy",
    "textual",
    "tokenizers",
    "torch",
    "torch-optimi",
    "torchao",
    "transformers",
    "trl",
)
SECRETS = ("HF_TOKEN", "OPENAI_API_KEY")
VARIABLES = ("HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ACCELERATE_USE_CPU")
ADDRESSES = ("OPENAI_BASE_URL",)
TRAINING = (
    "accelerate",
    "datasets",
    "huggingface_hub",
    "peft",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
)
"""Packages of the extra `dempo[train]`, by the names that are imported."""

LOW_MEMORY = ("torch-optimi", "torchao")
"""Packages of the extra `dempo[lowmem]`, by the names that they are installed by."""

LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
"""What torchrun and accelerate set for each of the processes that they start."""

MPI_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
"""How many processes mpirun started; srun sets one of them to 1 for a single process, which is one engine."""


def engine_started(resumed: bool, secret: bytes, key_variables: Sequence[str] = ()) -> EngineStarted:
    """The event that describes this process and machine.

    Args:
        secret: that of the run's pseudonyms.
        key_variables: those that hold keys of the configuration's endpoints.
    """
    from core.events import EngineStarted

    ran = provenance()
    return EngineStarted(
        pid=os.getpid(),
        host=hmac.new(secret, socket.gethostname().encode(), hashlib.sha256).hexdigest()[:12],
        resumed=resumed,
        program=ran.version,
        files=ran.files,
        commit=ran.commit,
        dirty=ran.dirty,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=usable_cores(),
        packages=package_versions(),
        environment=environment(os.environ, key_variables),
        devices=devices(),
    )


def refuse_launcher(variables: Mapping[str, str]) -> None:
    """Refuses to work where a launcher stands in front: each of its processes would be an engine of its own.

    They would make one run each, and share gradients without knowing it, and only one would save its weights.

    Raises:
        InputError: names the launcher's variables.
    """
    found = [name for name in LAUNCHED if name in variables]
    found += [name for name in MPI_SIZES if variables.get(name, "1") != "1"]
    if found:
        raise InputError(
            f"the environment holds {' and '.join(found)}, which launchers (torchrun, accelerate, mpirun) set: each of "
            "their processes would make a run of its own and train without its weights; start dempo by itself, "
            f"without a launcher, or unset {'it' if len(found) == 1 else 'them'}"
        )


def missing_packages(names: Iterable[str]) -> str:
    """The sentence for packages that are missing, with the command that installs them."""
    listed = list(names)
    what = "packages are" if len(listed) > 1 else "package is"
    quoted = ", ".join(map(repr, listed))
    of_extras = {"train": TRAINING, "lowmem": LOW_MEMORY}
    extras = [extra for extra, names in of_extras.items() if not set(names).isdisjoint(listed)]
    wanted = [name for name in listed if name not in (*TRAINING, *LOW_MEMORY)]
    if extras:
        place, named = (ROOT, "-e ") if (ROOT / "pyproject.toml").is_file() else ("dempo", "")
        wanted.insert(0, f"{named}'{place}[{','.join(extras)}]'")
    return f"this needs {quoted}; the {what} not installed (`{sys.executable} -m pip install {' '.join(wanted)}`)"


def package_version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result, and of SQLite."""
    found = {name: package_version(name) for name in PACKAGES}
    return {"sqlite": sqlite3.sqlite_version} | {name: v for name, v in found.items() if v is not None}


def environment(variables: Mapping[str, str], key_variables: Sequence[str] = ()) -> dict[str, str]:
    """Variables that matter: plain ones by value, addresses without user or query, secrets as present or absent."""
    secrets = [name for name in (*SECRETS, *key_variables) if name not in (*VARIABLES, *ADDRESSES)]
    found = {name: "present" if variables.get(name) else "absent" for name in secrets}
    found |= {name: variables[name] for name in VARIABLES if name in variables}
    found |= {name: strip_address(variables[name]) for name in ADDRESSES if name in variables}
    return found


def strip_address(url: str) -> str:
    """A URL without user info, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def usable_cores() -> int:
    """Processor cores that this process may use, where the system tells; else all that there are."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def devices() -> list[str]:
    """Names of the NVIDIA devices, asked of the driver's tool so that torch need not be loaded."""
    if shutil.which("nvidia-smi") is None:
        return []
    answer = output_of(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    return answer.splitlines() if answer else []
