"""`make bench-gpu`: today's trainer on one GPU, in at most nine minutes. Prints a table, the most telling rows first.

Models are Llamas of the published shapes with random weights; pairs are random tokens with the lengths of real
pairs (`tests/data/pair_lengths.csv`: a PRISM-like pool through a vocabulary of 49,152, at most 1,024 tokens).
Stock TRL with a precomputed reference and this project's trainer see the same pairs in the same order. Every row is
printed as soon as it is known, so that a run which is cut short still tells something.

    python tests/bench_gpu.py           on a GPU
    python tests/bench_gpu.py --tiny    the same code at toy size, on a CPU; its figures mean nothing

Useful MFU is 6 · P · (tokens, each prompt once) / (seconds · 989e12), with P all parameters: what the step had to
compute, over the dense bf16 peak of an H100, whatever the padding and the recomputation.

Whoever trains first in a process pays for every shape that cuBLAS and the allocator have not seen, and nearly every
micro-batch has one of its own: on an H100 that halves the speed for many steps. So the first row of each model says
that it came first, and trainers are compared on shapes that were all seen. "GPU s/step" is the time of the kernels
alone.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["HF_HUB_OFFLINE"] = "1"

import displacement  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from random_llama import TEXTS  # noqa: E402
from training_world import strings_of  # noqa: E402

from core.sections.what_trains import TrainSection  # noqa: E402
from core.training.as_tokens.tokens import Tokens, as_fitted  # noqa: E402
from core.training.batches import PairCollator, Rows  # noqa: E402
from core.training.models.optimizers import OPTIMIZERS  # noqa: E402
from core.training.models.precision import Placement, placement, quiet_libraries  # noqa: E402

PEAK = 989e12
"""Dense bf16 operations per second of an H100, as its maker states them."""

LIMIT_S = 540.0
"""The whole run's limit unless `--seconds` says otherwise; a row that would end later is left out and says so."""

WARM_UP = 2
"""Steps of each row before the ones that are timed."""

SEED = 7
RESERVED = 3
"""Token ids below belong to the tokenizer's special tokens."""


# ---------------------------------------------------------------- sizes


@dataclass(frozen=True)
class Size:
    """How large everything is; `small` and `large` are keys of `SHAPES`."""

    small: str
    large: str
    batch: int
    micro: int
    longest: int
    steps: int
    steps_large: int
    gemm: int


FULL = Size(small="1B", large="8B", batch=32, micro=4, longest=1024, steps=10, steps_large=6, gemm=8192)
TINY = Size(small="tiny", large="tiny", batch=4, micro=2, longest=48, steps=4, steps_large=4, gemm=256)

SHAPES: dict[str, dict[str, Any]] = {
    "1B": {
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": True,
    },
    "8B": {
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
}


# ---------------------------------------------------------------- models and pairs


def make_model(shape: str, dtype: torch.dtype, device: str, seed: int = SEED, spread: float = 0.02) -> Any:
    """A Llama with random weights of standard deviation `spread`, made on its device."""
    config = transformers.LlamaConfig(
        **SHAPES[shape],
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        initializer_range=spread,
    )
    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return transformers.LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


@dataclass(frozen=True)
class Pairs:
    """Pairs of random tokens: pair i has prompt i, and responses 2i (chosen) and 2i + 1 (rejected)."""

    tokens: Tokens
    rows: Rows
    once: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> list[tuple[int, int]]:
        """Every (prompt, response)."""
        return self.tokens.sequences()


def make_pairs(count: int, longest: int, vocabulary: int, weights: bool = False) -> Pairs:
    """The first `count` lengths of the file, cut to `longest` tokens a sequence.

    Args:
        weights: log-uniform from 0.001 to 1 instead of 1.
    """
    generator = np.random.default_rng(SEED)
    with (HERE / "data" / "pair_lengths.csv").open(newline="") as file:
        lengths = [[int(row[k]) for k in ("prompt", "chosen", "rejected")] for row in csv.DictReader(file)]
    prompts, responses = [], []
    for prompt, *sides in lengths[:count]:
        prompts.append(_random_tokens(generator, min(prompt, longest // 2), vocabulary))
        room = longest - len(prompts[-1])
        responses += [_random_tokens(generator, min(length, room), vocabulary) for length in sides]
    n = len(prompts)
    every = np.arange(n, dtype=np.int32)
    weight = 10.0 ** generator.uniform(-3, 0, n) if weights else np.ones(n)
    return Pairs(
        tokens=as_fitted(
            strings_of(prompts),
            strings_of(responses),
            np.stack([every, 2 * every, 2 * every + 1] * 2),
            np.zeros((2, n), dtype=np.uint8),
            window=longest,
        ),
        rows=Rows(context=every, chosen=2 * every, rejected=2 * every + 1, weight=weight),
        once=sum(map(len, prompts)) + sum(map(len, responses)),
    )


def _random_tokens(generator: np.random.Generator, length: int, vocabulary: int) -> Any:
    return generator.integers(RESERVED, vocabulary, length).astype(np.int32)


def make_tokenizer() -> Any:
    """What both trainers ask for and neither uses: the tokens are made already."""
    from core.training.models.tiny import train_tokenizer

    return train_tokenizer(TEXTS, 400)


def section(size: Size, steps: int, **changed: Any) -> TrainSection:
    """The settings of a row."""
    values: dict[str, Any] = {
        "model": "random",
        "steps": steps,
        "batch": size.batch,
        "micro_batch": size.micro,
        "max_length": size.longest,
        "schedule": "constant",
        "warmup": 0.0,
        "precision": "bf16_mixed",
        "optimizer": "adamw",
    }
    return TrainSection(**{**values, **changed})


# ---------------------------------------------------------------- the machine


def on_gpu() -> bool:
    """Whether there is a GPU; the same code runs without one at toy size."""
    return torch.cuda.is_available()


def settle() -> float:
    """The clock, once the device has done all that it was asked for."""
    if on_gpu():
        torch.cuda.synchronize()
    return time.perf_counter()


def clear() -> None:
    """Gives memory back and forgets the peak."""
    gc.collect()
    if on_gpu():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_bytes() -> int:
    """The most memory that tensors took since `clear`; on a CPU, that the process took."""
    from core.training.prediction.peak import resident

    return torch.cuda.max_memory_allocated() if on_gpu() else resident()


def peak_gib() -> str:
    """The most memory that tensors took since `clear`."""
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if on_gpu() else "–"


# ---------------------------------------------------------------- training


@dataclass
class Watch:
    """What a trainer did, by the clock: the model was made, the first step began, each step ended."""

    made: float = 0.0
    begun: float = 0.0
    ended: list[float] = field(default_factory=list)
    gradient: Any = None
    profile: Any = None
    first_margin: float | None = None

    def step_seconds(self) -> float:
        """Median seconds of a step: without the first ones, which compile and allocate, nor the last, profiled one."""
        return float(np.median(np.diff(self.ended)[WARM_UP - 1 : -1]))

    def gpu_seconds(self) -> str:
        """Seconds of a step in which kernels ran on the GPU."""
        if self.profile is None:
            return "–"
        return f"{sum(e.self_device_time_total for e in self.profile.key_averages()) / 1e6:.2f}"


def watching(watch: Watch, keep_gradient: bool = False) -> Any:
    """A callback that fills a `Watch`; the last step runs under the profiler."""

    class Watching(transformers.TrainerCallback):
        trainer: Any = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            watch.begun = settle()

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if on_gpu() and state.global_step == state.max_steps - 1 > 0:
                watch.profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
                watch.profile.start()

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if keep_gradient:
                found = [p.grad.reshape(-1).double().cpu() for p in kwargs["model"].parameters()]
                watch.gradient = torch.cat(found)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            watch.ended.append(settle())
            if watch.profile is not None:
                watch.profile.stop()
            if self.trainer is not None and watch.first_margin is None:
                watch.first_margin = self.trainer.take_metrics().margin

    return Watching()


def run_ours(shape: str, pairs: Pairs, train: TrainSection, placed: Placement) -> Watch:
    """This project's trainer, with the reference scored as the stage does it."""
    from core.training.dpo import make_trainer
    from core.training.reference import log_probs, with_fused_head

    frozen = with_fused_head(make_model(shape, placed.dtype, placed.device).eval())
    watch = Watch(made=settle())
    budget = 2 * train.micro_batch * train.max_length
    reference = log_probs(frozen, pairs.tokens, pairs.keys, placed, 2, budget)
    del frozen
    gc.collect()
    model = make_model(shape, placed.dtype, placed.device)
    collator = PairCollator(pairs.rows, pairs.tokens, reference, 2, placed.multiple)
    callback = watching(watch)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = make_trainer(model, make_tokenizer(), collator, train, placed, Path(scratch), 0, callback)
        callback.trainer = trainer
        trainer.train()
    return watch


def run_stock(shape: str, pairs: Pairs, train: TrainSection, placed: Placement) -> Watch:
    """TRL's DPOTrainer as it comes, with `precompute_ref_log_probs`, on the same pairs in the same order."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class InOrder(DPOTrainer):  # type: ignore[misc]
        """Takes rows that are tokens already, in their order, and sends nothing anywhere."""

        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            return dataset

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def _send_telemetry(self) -> None:
            pass

    known = DPOConfig.__dataclass_fields__
    checkpointing = next(k for k in ("activation_checkpointing", "gradient_checkpointing") if k in known)
    model = make_model(shape, placed.dtype, placed.device)
    watch = Watch(made=settle())
    with tempfile.TemporaryDirectory() as scratch:
        arguments = DPOConfig(
            output_dir=scratch,
            beta=train.beta,
            max_length=None,
            precompute_ref_log_probs=True,
            precompute_ref_batch_size=train.micro_batch,
            per_device_train_batch_size=train.micro_batch,
            gradient_accumulation_steps=train.batch // train.micro_batch,
            max_steps=train.steps,
            learning_rate=train.learning_rate,
            lr_scheduler_type="constant",
            weight_decay=train.weight_decay,
            max_grad_norm=train.max_gradient_norm,
            optim="adamw_torch_fused",
            bf16=placed.autocast,
            fp16=False,
            use_cpu=placed.device == "cpu",
            dataloader_pin_memory=placed.device != "cpu",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **{checkpointing: train.gradient_checkpointing},
        )
        trainer = InOrder(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(_token_rows(pairs)),
            processing_class=make_tokenizer(),
            callbacks=[watching(watch)],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return watch


@contextlib.contextmanager
def hashing_left_out(wanted: bool) -> Iterator[None]:
    """Without TRL's hash of all weights, which `DPOTrainer` makes at its start: 80 s for 8 G parameters in bf16."""
    import trl.trainer.dpo_trainer as module

    kept = module.hash_module
    if wanted:
        module.hash_module = lambda model: "left out"
    try:
        yield
    finally:
        module.hash_module = kept


def _token_rows(pairs: Pairs) -> list[dict[str, list[int]]]:
    tokens = pairs.tokens
    return [
        {
            "prompt_ids": tokens.prompts[i].tolist(),
            "chosen_ids": tokens.responses[2 * i].tolist(),
            "rejected_ids": tokens.responses[2 * i + 1].tolist(),
        }
        for i in range(len(pairs))
    ]


# ---------------------------------------------------------------- rows of the table

HEADER = ("what", "settings", "pairs/s", "tokens/s", "useful MFU", "GPU s/step", "peak memory", "before step 1", "note")
Cells = tuple[str, ...]


def speed_row(name: str, run: Callable[..., Watch], shape: str, size: Size, train: TrainSection) -> Cells:
    """Trains some steps and says how fast: without the first step, tokens with each prompt once."""
    clear()
    pairs = make_pairs(train.steps * train.batch, size.longest, SHAPES[shape]["vocab_size"])
    with hashing_left_out(shape == size.large):
        watch = run(shape, pairs, train, placement(train))
    seconds = watch.step_seconds()
    tokens = pairs.once / train.steps
    parameters = _parameters(shape)
    note = "" if watch.first_margin is None else f"first margin {watch.first_margin:.1e}"
    peak, most = peak_gib(), peak_bytes()
    if run is run_ours:
        note = f"{note}; predicted peak {predicted_peak(shape, pairs, train) / most:.3f} of it".lstrip("; ")
    return (
        f"{shape} ({parameters / 1e9:.2f} G): {name}",
        _settings(train),
        f"{train.batch / seconds:.2f}",
        f"{tokens / seconds:,.0f}",
        f"{6 * parameters * tokens / (seconds * PEAK):.3f}",
        watch.gpu_seconds(),
        peak,
        f"{watch.begun - watch.made:.1f} s",
        note,
    )


def predicted_peak(shape: str, pairs: Pairs, train: TrainSection) -> int:
    """Bytes of memory that training is predicted to take, from one micro-batch of the longest rows and the table."""
    from core.training.prediction.longest_rows import longest_rows
    from core.training.prediction.memory_need import memory_need
    from core.training.prediction.micro_batch import take
    from core.training.prediction.peak import Peak

    clear()
    placed = placement(train)
    peak = Peak(placed.device)
    model = make_model(shape, placed.dtype, placed.device)
    batch = pairs.tokens.batch(longest_rows(pairs.tokens, train.micro_batch), 2, placed.multiple)
    taken = take(model, batch, train, placed, peak)
    peak.close()
    need = memory_need(train, model.num_parameters(), None, on_gpu())
    return max(taken.peak + need.optimizer, need.states)


def _parameters(shape: str) -> int:
    with torch.device("meta"):
        return int(make_model(shape, torch.bfloat16, "meta").num_parameters())


def _settings(train: TrainSection) -> str:
    parts = [placement(train).numbers, f"micro {train.micro_batch}"]
    if train.optimizer != "adamw":
        parts.append(train.optimizer)
    if train.gradient_checkpointing:
        parts.append("checkpointing")
    return ", ".join(parts)


def exactness_rows(size: Size) -> Iterator[Cells]:
    """One optimizer step of sixteen pairs against a float64 batch on the CPU, at every split and in bf16."""
    from core.training.dpo import make_trainer

    pairs = make_pairs(16, min(size.longest, 256), SHAPES["tiny"]["vocab_size"], weights=True)
    oracle = make_model("tiny", torch.float32, "cpu", seed=1, spread=0.1).double()
    other = make_model("tiny", torch.float32, "cpu", seed=2, spread=0.1).double()
    with torch.no_grad():
        reference = {key: float(np.float32(_log_prob(other, *pairs.tokens.ids(key)))) for key in pairs.keys}
    expected = _plain_gradient(oracle, pairs, reference)
    for numbers, micro in [("fp32", m) for m in (1, 2, 4, 8, 16)] + [("tf32", 4), ("bf16_mixed", 1), ("bf16_mixed", 4)]:
        train = section(size, 1, batch=16, micro_batch=micro, max_gradient_norm=1e9)
        placed = placement(train, numbers)  # a run on record goes on in float32, where a new one takes TF32
        model = make_model("tiny", torch.float32, "cpu", seed=1, spread=0.1).to(placed.device)
        watch = Watch()
        collator = PairCollator(pairs.rows, pairs.tokens, reference, 2, placed.multiple)
        with tempfile.TemporaryDirectory() as scratch:
            watcher = watching(watch, keep_gradient=True)
            make_trainer(model, make_tokenizer(), collator, train, placed, Path(scratch), 0, watcher).train()
        error = float((watch.gradient - expected).norm() / expected.norm())
        yield _told(f"gradient of a step against float64: {numbers}, micro {micro}", f"relative L2 {error:.1e}")


def _log_prob(model: Any, prompt: Any, response: Any) -> torch.Tensor:
    """Σ_t log p(y_t | prompt, y_<t) of one sequence, from full logits."""
    ids = torch.from_numpy(np.concatenate([prompt, response]).astype(np.int64))
    logits = model(input_ids=ids[None], use_cache=False).logits[0, len(prompt) - 1 : -1]
    return torch.log_softmax(logits, dim=-1).gather(1, ids[len(prompt) :, None]).sum()


def _plain_gradient(model: Any, pairs: Pairs, reference: dict[tuple[int, int], float], beta: float = 0.1) -> Any:
    """The gradient of Σω(−log σ(βΔ))/Σω over one unpadded sequence at a time."""
    weight = torch.from_numpy(pairs.rows.weight)
    for i in range(len(pairs)):
        chosen, rejected = ((i, 2 * i), (i, 2 * i + 1))
        margin = _log_prob(model, *pairs.tokens.ids(chosen)) - reference[chosen]
        margin = margin - (_log_prob(model, *pairs.tokens.ids(rejected)) - reference[rejected])
        (weight[i] / weight.sum() * torch.nn.functional.softplus(-beta * margin)).backward()
    return torch.cat([p.grad.reshape(-1) for p in model.parameters()])


def displacement_rows() -> Iterator[Cells]:
    """What bfloat16 weights keep of the displacement in float32, by the kernels of this device."""
    device = "cuda" if on_gpu() else "cpu"
    whole, _ = displacement.train("adamw", torch.float32, device=device)
    for name in OPTIMIZERS:
        begun = settle()
        found, _ = displacement.train(name, torch.bfloat16, device=device)
        seconds = settle() - begun
        changed, projection, cosine = displacement.kept(found, whole)
        told = f"{changed:.1%} changed, projection {projection:.3f}, cosine {cosine:.3f}; {seconds:.1f} s"
        yield _told(f"displacement of {displacement.WEIGHTS:,} bf16 weights: {name}", told)


def layout_row(shape: str, size: Size, precision: str) -> Cells:
    """How far two layouts of the same pairs lie apart: what the first step's margin may be in bf16."""
    from core.training.reference import log_probs, response_log_probs, with_fused_head

    clear()
    train = section(size, 1, precision=precision)
    placed = placement(train)
    pairs = make_pairs(size.batch, size.longest, SHAPES[shape]["vocab_size"])
    model = with_fused_head(make_model(shape, placed.dtype, placed.device).eval())
    sorted_ones = log_probs(model, pairs.tokens, pairs.keys, placed, 2, 2 * train.micro_batch * train.max_length)
    worst, margins = 0.0, []
    with torch.inference_mode(), placed.computing():
        for start in range(0, len(pairs), size.micro):
            some = range(start, min(start + size.micro, len(pairs)))
            keys = [(i, 2 * i) for i in some] + [(i, 2 * i + 1) for i in some]
            batch = pairs.tokens.batch(keys, 2, placed.multiple)
            found = response_log_probs(model, {k: v.to(placed.device) for k, v in batch.items()})
            apart = found.double().cpu() - torch.tensor([sorted_ones[key] for key in keys], dtype=torch.float64)
            worst = max(worst, float(apart.abs().max()))
            margins += (train.beta * (apart[: len(some)] - apart[len(some) :])).abs().tolist()
    told = f"log π apart at most {worst:.1e} nats; β·Δ at most {max(margins):.1e}, mean {np.mean(margins):.1e}"
    return _told(f"{shape}: two layouts of {len(pairs)} pairs, {precision}", told)


def gemm_row(size: Size) -> Cells:
    """The rate of a large bf16 matrix product: what this card gives of its stated peak."""
    clear()
    n = size.gemm
    device = "cuda" if on_gpu() else "cpu"
    a, b = (torch.randn(n, n, dtype=torch.bfloat16, device=device) for _ in range(2))
    for _ in range(3):
        a @ b
    begun = settle()
    for _ in range(20):
        a @ b
    rate = 20 * 2 * n**3 / (settle() - begun)
    return _told(f"bf16 product of two {n} × {n} matrices", f"{rate / 1e12:.0f} TFLOP/s, {rate / PEAK:.2f} of 989")


def _told(what: str, told: str) -> Cells:
    return (what, *[""] * (len(HEADER) - 2), told)


# ---------------------------------------------------------------- the run


def plan(size: Size) -> Iterator[tuple[str, float, Callable[[], Iterator[Cells]]]]:
    """(name, seconds it may take, rows), the most telling first."""
    small, large = size.small, size.large

    def speed(name: str, run: Callable[..., Watch], shape: str, **changed: Any) -> Callable[[], Iterator[Cells]]:
        steps = size.steps if shape == small else size.steps_large
        return lambda: iter([speed_row(name, run, shape, size, section(size, steps, **changed))])

    whole = {"precision": "bf16", "gradient_checkpointing": True}
    yield "ours, small, first", 60, speed("dempo, shapes not seen before", run_ours, small)
    yield "stock, small", 40, speed("stock TRL", run_stock, small)
    yield "ours, small", 40, speed("dempo", run_ours, small)
    yield "exactness", 60, lambda: exactness_rows(size)
    yield "layouts, small", 30, lambda: iter([layout_row(small, size, "bf16_mixed")])
    yield "displacement", 60, displacement_rows
    yield "ours, large, first", 70, speed("dempo, shapes not seen before", run_ours, large, **whole)
    yield "stock, large", 60, speed("stock TRL", run_stock, large, **whole)
    yield "ours, large", 60, speed("dempo", run_ours, large, **whole)
    yield "ours, large, 8 bits", 90, speed("dempo", run_ours, large, optimizer="adamw_sr_8bit", **whole)
    yield "layouts, large", 30, lambda: iter([layout_row(large, size, "bf16")])
    yield "product", 10, lambda: iter([gemm_row(size)])
    for name in OPTIMIZERS:
        yield f"ours, bf16, {name}", 50, speed("dempo", run_ours, small, precision="bf16", optimizer=name)
    for micro in (1, 8):
        fitting = min(micro, size.batch)
        yield f"ours, micro {micro}", 40, speed("dempo", run_ours, small, micro_batch=fitting)
    yield "ours, checkpointing", 40, speed("dempo", run_ours, small, gradient_checkpointing=True)
    yield "ours, fp32", 80, speed("dempo", run_ours, small, precision="fp32")


def main() -> None:
    """Prints the table; a row that fails says why and the others go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, default=LIMIT_S, help="limit of the whole run; later rows are left out"
    )
    parser.add_argument("--tiny", action="store_true", help="toy size, for a CPU")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds this: displacement, bf16 …")
    arguments = parser.parse_args()
    tiny = arguments.tiny
    if not tiny and not on_gpu():
        sys.exit("torch finds no GPU here; --tiny runs the same code at toy size on a CPU")
    begun = time.monotonic()
    quiet_libraries()
    print(_machine(), flush=True)
    print(f"\n| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}", flush=True)
    failed = False
    for name, needs, rows in plan(TINY if tiny else FULL):
        if arguments.only not in name:
            continue
        if time.monotonic() - begun + needs > arguments.seconds:
            _print(_told(name, "left out: no time"))
            continue
        try:
            for row in rows():
                _print(row)
        except Exception as error:  # noqa: BLE001 — the minutes of a GPU are rare: the other rows go on
            failed = True
            _print(_told(name, f"failed: {type(error).__name__}: {str(error).splitlines()[0][:160]}"))
        clear()
    print(f"\n{time.monotonic() - begun:.0f} s in all", flush=True)
    sys.exit(1 if failed else 0)


def _print(row: Cells) -> None:
    print(f"| {' | '.join(row)} |", flush=True)


def _machine() -> str:
    import accelerate
    import trl

    name = torch.cuda.get_device_name() if on_gpu() else "CPU (toy size: the figures mean nothing)"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return f"{name}; {versions}, accelerate {accelerate.__version__}, trl {trl.__version__}"


if __name__ == "__main__":
    main()
