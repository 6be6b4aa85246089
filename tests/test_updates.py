"""How far a model moved: against an independent computation, from files of every kind, and the paper's own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import InputError
from core.training import updates
from core.training.models import tensor_files
from core.training.updates import layer_of, measure_update

Tensors = dict[str, torch.Tensor]


def tensors(seed: int, dtype: torch.dtype = torch.float32) -> Tensors:
    made = torch.Generator().manual_seed(seed)
    shapes = {
        "model.embed_tokens.weight": (37, 8),
        "model.layers.0.mlp.weight": (16, 8),
        "model.layers.1.mlp.weight": (16, 8),
        "model.layers.10.mlp.weight": (3,),
        "model.norm.weight": (8,),
        "model.scale": (),
    }
    return {name: torch.randn(shape, generator=made).to(dtype) for name, shape in shapes.items()}


def moved(before: Tensors, share: float = 1e-3) -> Tensors:
    """Some numbers moved, by about a share of their size; the others are as they were."""
    made = torch.Generator().manual_seed(9)
    after = {}
    for name, value in before.items():
        by = share * torch.randn(value.shape, generator=made) * (torch.rand(value.shape, generator=made) < 0.5)
        after[name] = value.float() + by
    return after


def saved(folder: Path, values: Tensors) -> Path:
    folder.mkdir()
    save_file(values, folder / "model.safetensors")
    return folder


def by_torch(before: Tensors, after: Tensors) -> dict[str, float]:
    """The script of the case `delta.py`, with differences in float32."""
    squares = absolute = base = changed = rounded = 0.0
    numbers = 0
    for name in before.keys() & after.keys():
        x, y = before[name].float(), after[name].float()
        apart = (y - x).double()
        squares += float((apart * apart).sum())
        base += float((x.double() ** 2).sum())
        absolute += float(apart.abs().sum())
        numbers += apart.numel()
        changed += int((y != x).sum())
        rounded += int((y.bfloat16() != x.bfloat16()).sum())
    return {
        "numbers": numbers,
        "l2": squares**0.5,
        "rms": (squares / numbers) ** 0.5,
        "mean_abs": absolute / numbers,
        "base_l2": base**0.5,
        "relative": (squares / base) ** 0.5,
        "changed": changed / numbers,
        "changed_bf16": rounded / numbers,
    }


TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


@pytest.mark.parametrize("after_type", TYPES)
@pytest.mark.parametrize("before_type", TYPES)
@pytest.mark.parametrize("slice_of", [5, 2**21])
def test_numbers_are_those_of_another_computation(
    before_type: torch.dtype, after_type: torch.dtype, slice_of: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_files, "SLICE", slice_of)
    before = tensors(1, before_type)
    after = {name: value.to(after_type) for name, value in moved(before).items()}
    found = measure_update(saved(tmp_path / "a", before), saved(tmp_path / "b", after), "full")
    wanted = by_torch(before, after)
    assert {name: getattr(found, name) for name in wanted} == pytest.approx(wanted, rel=1e-12)
    assert 0 < found.changed_bf16 <= found.changed <= 1
    assert [row.layer for row in found.layers] == [
        "embeddings",
        "layers.0",
        "layers.1",
        "layers.10",
        "norm",
        "other",
    ]
    for row in found.layers:
        own = {name for name in before if layer_of(name) == row.layer}
        part = by_torch({n: before[n] for n in own}, {n: after[n] for n in own})
        assert {name: getattr(row, name) for name in part} == pytest.approx(part, rel=1e-12)
    again = measure_update(tmp_path / "a", tmp_path / "b", "full")
    assert again == found, "every number is the same when measured again"


def test_nothing_moved_and_nothing_there(tmp_path: Path) -> None:
    root = saved(tmp_path / "a", tensors(1))
    still = measure_update(root, root, "full")
    assert (still.l2, still.relative, still.changed, still.changed_bf16) == (0, 0, 0, 0)
    nothing = measure_update(root, saved(tmp_path / "b", {"x": torch.zeros(2)}), "full")
    assert (nothing.numbers, nothing.rms, nothing.relative, nothing.layers) == (0, 0, 0, [])
    assert len(nothing.left_out) == 7
    empty = measure_update(
        saved(tmp_path / "c", {"x": torch.zeros(2)}), saved(tmp_path / "d", {"x": torch.ones(2)}), ""
    )
    assert empty.relative == "inf"


def test_what_one_model_alone_has_is_left_out_and_named(tmp_path: Path) -> None:
    before = tensors(1)
    after = moved(before)
    both = measure_update(saved(tmp_path / "a", before), saved(tmp_path / "b", after), "full")
    more = {**before, "lm_head.weight": before["model.embed_tokens.weight"].clone(), "steps": torch.tensor([1, 2])}
    less = {**after, "model.extra": torch.ones(3), "steps": torch.tensor([1, 2])}
    found = measure_update(saved(tmp_path / "c", more), saved(tmp_path / "d", less), "full")
    assert found.left_out == ["lm_head.weight", "model.extra", "steps"]
    assert found.model_copy(update={"left_out": []}) == both
    other = {**after, "model.norm.weight": torch.ones(9)}
    assert measure_update(tmp_path / "a", saved(tmp_path / "e", other), "full").left_out == ["model.norm.weight"]
    short = {name.removeprefix("model."): value for name, value in before.items()}
    assert measure_update(saved(tmp_path / "f", short), tmp_path / "b", "full") == both


def test_shards_are_one_model(tmp_path: Path) -> None:
    before = tensors(1)
    whole = measure_update(saved(tmp_path / "a", before), saved(tmp_path / "b", moved(before)), "full")
    sharded = tmp_path / "c"
    sharded.mkdir()
    names = sorted(before)
    parts = {"model-00001-of-00002.safetensors": names[:3], "model-00002-of-00002.safetensors": names[3:]}
    for file, own in parts.items():
        save_file({name: moved(before)[name] for name in own}, sharded / file)
    placed = {name: file for file, own in parts.items() for name in own}
    (sharded / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    assert measure_update(tmp_path / "a", sharded, "full") == whole


def _cut(body: bytes) -> bytes:
    return body[:-4]


def _long_header(body: bytes) -> bytes:
    return (2**40).to_bytes(8, "little") + body[8:]


def _no_header(body: bytes) -> bytes:
    return body[:8] + b"x" * (len(body) - 8)


@pytest.mark.parametrize("damage", [_cut, _long_header, _no_header])
def test_a_damaged_file_is_a_sentence(damage: Any, tmp_path: Path) -> None:
    root = saved(tmp_path / "a", tensors(1))
    other = saved(tmp_path / "b", tensors(1)) / "model.safetensors"
    other.write_bytes(damage(other.read_bytes()))
    with pytest.raises(InputError, match=r"model\.safetensors is no safetensors file that can be read"):
        measure_update(root, other.parent, "full")


def test_rounding_to_bfloat16_is_that_of_torch() -> None:
    special = np.array([0.0, -0.0, 1.0, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 1e-45, 1 + 2**-8, 1 + 3 * 2**-8])
    made = np.random.default_rng(0)
    bits = made.integers(0, 2**32, 200_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values = np.concatenate([special.astype(np.float32), bits])
    wanted = torch.from_numpy(values).bfloat16()
    found = torch.from_numpy(tensor_files.as_bfloat16(values).view(np.int16)).view(torch.bfloat16)
    assert torch.equal(found.float().nan_to_num(7.0), wanted.float().nan_to_num(7.0))
    assert torch.equal(found.isnan(), wanted.isnan())
    assert tensor_files.as_bfloat16(np.array([-0.0], dtype=np.float32))[0] == 0


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.31.self_attn.q_proj.weight", "layers.31"),
        ("transformer.h.3.ln_1.weight", "layers.3"),
        ("transformer.wte.weight", "embeddings"),
        ("gpt_neox.embed_in.weight", "embeddings"),
        ("embed_out.weight", "head"),
        ("lm_head.weight", "head"),
        ("model.norm.weight", "norm"),
        ("transformer.ln_f.bias", "norm"),
        ("model.rotary.inv_freq", "other"),
    ],
)
def test_layers_go_by_the_names_of_tensors(name: str, layer: str) -> None:
    assert layer_of(name) == layer


def test_the_papers_table_is_of_one_model() -> None:
    """Table 7, Full 8B: l2 2.996, rms 3.344e-5 and relative .002400, each rounded, are of 8,030,261,248 numbers whose
    norm is about 1,248."""
    d = 8_030_261_248
    halves = [updates._Sums(d // 2, 2.9963**2 / 2, 1.0, 1248.4**2 / 2, d // 2, 0)] * 2
    row = updates._row("", halves)
    assert (f"{row.l2:.3f}", f"{row.rms:.3e}", f"{row.relative:.6f}") == ("2.996", "3.344e-05", "0.002400")
    assert (row.numbers, row.changed) == (d, 1)
