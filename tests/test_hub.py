"""Data through `datasets`: a folder laid out like a repository of the hub, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context
from prism_folder import ATTRIBUTES, config, small

from core.config import RunConfig
from core.data import stage
from core.errors import InputError
from core.events import PairsBuilt

CARD = """---
configs:
- config_name: survey
  data_files: survey.jsonl
- config_name: conversations
  data_files: conversations.jsonl
- config_name: utterances
  data_files: utterances.jsonl
---
"""


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, and a cache that goes with the test; both libraries read the variables only once."""
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def hub_config(hub: str) -> RunConfig:
    settings = config(Path("unused"), ATTRIBUTES)
    return settings.model_copy(update={"data": settings.data.model_copy(update={"path": None, "hub": hub})})


def build(settings: RunConfig, run: Path) -> PairsBuilt:
    recorder = MemoryRecorder()
    stage.pairs(make_context("pairs", settings, run, recorder))
    return recorder.of_kind(PairsBuilt)[0]


def test_hub_and_folder_give_the_same_pairs(tmp_path: Path) -> None:
    prism = small()
    prism.utterances[3]["score"] = None
    prism.survey[0]["gender"] = None
    folder = prism.write(tmp_path / "repository")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    from_hub = build(hub_config(str(folder)), tmp_path / "run1")
    from_folder = build(config(folder, ATTRIBUTES), tmp_path / "run2")
    assert from_hub.artifact == from_folder.artifact
    assert from_hub.excluded == from_folder.excluded
    assert from_hub.source == str(folder)
    assert [(f.name, f.rows) for f in from_hub.files] == [
        ("survey (rows)", 3),
        ("conversations (rows)", 3),
        ("utterances (rows)", 9),
    ]


def test_the_order_of_columns_does_not_change_the_hash_of_the_rows(tmp_path: Path) -> None:
    built = []
    for order in (1, -1):
        prism = small()
        prism.survey = [dict(list(row.items())[::order]) for row in prism.survey]
        folder = prism.write(tmp_path / f"repository{order}")
        (folder / "README.md").write_text(CARD, encoding="utf-8")
        built.append(build(hub_config(str(folder)), tmp_path / f"run{order}"))
    assert built[0].files == built[1].files


def test_wrong_rows_of_the_hub_are_refused_with_their_place(tmp_path: Path) -> None:
    prism = small()
    prism.survey[2]["gender"] = "Femle"
    folder = prism.write(tmp_path / "repository")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    with pytest.raises(InputError, match=r'repository, survey, row 3: gender is "Femle" \(1 person\), no category of'):
        build(hub_config(str(folder)), tmp_path / "run")


def test_a_repository_without_the_table_is_refused(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "repository")
    (folder / "README.md").write_text(CARD.replace("config_name: utterances", "config_name: other"), encoding="utf-8")
    with pytest.raises(InputError, match=r"data\.hub: cannot load the table 'utterances' of .*set data\.path to its"):
        build(hub_config(str(folder)), tmp_path / "run")


def test_a_hub_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot load the table 'survey' of 'nobody/nothing': .*check the name"):
        build(hub_config("nobody/nothing"), tmp_path / "run")
