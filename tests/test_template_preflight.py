"""A chat template is asked for where there is a choice, and one that cannot serve is told, before a run is created."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chat_tokenizers import CHATML, ENDLESS, GEMMA, LLAMA3, RAISES, save_chat_model
from test_training_preflight import problems, wanting
from training_world import make_config

from core.chat import trial
from core.chat.choosing import template_beside
from core.chat.trial import tried, within
from core.errors import InputError
from core.evaluation.beforehand import check_evaluation
from core.preflight import preflight
from core.sections.what_trains import ConditionSection


@pytest.fixture(scope="module")
def chatml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_chat_model(tmp_path_factory.mktemp("chatml") / "model", CHATML)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials in this process: one of their own takes seconds to load its libraries."""

    def run(command: list[str], input: str, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, tried(json.loads(input)), "")

    monkeypatch.setattr("core.chat.trial.subprocess.run", run)


def given(folder: Path, trained: bool = True) -> dict[str, object]:
    asked = [[["user", "A"]], [["user", "A"], ["assistant", "B"], ["user", "C"]]]
    return {"source": str(folder), "revision": None, "trained": trained, "conversations": asked}


def with_template(model: Path, folder: Path, template: str) -> Path:
    import shutil

    shutil.copytree(model, folder)
    (folder / "chat_template.jinja").write_text(template)
    return folder


@pytest.mark.usefixtures("in_process")
def test_the_choice_is_asked_for_before_a_run_is_created(chatml: Path) -> None:
    (found,) = wanting(model=chatml)
    assert found.startswith("train.template is not set, and the tokenizer of ")
    assert 'set it to "model"' in found
    assert '"User: … Assistant:"' in found
    assert wanting(model=chatml, template="plain") == wanting(model=chatml, template="model") == []
    with pytest.raises(InputError, match=r"train\.template is not set"):
        preflight(make_config('[[conditions]]\nname = "full"\nsource = "all"\n', model=chatml), "train")


def test_a_template_of_its_own_that_it_has_not_is_told(tmp_path: Path) -> None:
    (found,) = wanting(template="model")
    assert "train.template = \"model\": the tokenizer of 'tiny' carries no chat template of its own" in found
    bare = save_chat_model(tmp_path / "bare", None)
    (found,) = wanting(model=bare, template="model")
    assert "carries no chat template of its own" in found
    assert wanting(model=bare) == wanting(model=bare, template="plain") == []


def test_a_template_in_the_tokenizers_settings_counts_as_well(chatml: Path, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(chatml, tmp_path / "old")
    (folder / "chat_template.jinja").unlink()
    assert wanting(model=folder) == []
    path = folder / "tokenizer_config.json"
    for carried in (CHATML, [{"name": "default", "template": CHATML}]):
        path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": carried}))
        (found,) = wanting(model=folder)
        assert "train.template is not set" in found
    path.write_text("{")
    with pytest.raises(InputError, match=r"the chat template in .*tokenizer_config\.json cannot be read"):
        template_beside(lambda name: folder / name if (folder / name).is_file() else None)


@pytest.mark.usefixtures("in_process")
def test_a_template_that_cannot_serve_is_told_with_what_fails(chatml: Path, tmp_path: Path) -> None:
    folder = with_template(chatml, tmp_path / "raises", RAISES)
    (found,) = wanting(model=folder, template="model")
    told = "the model's chat template cannot write a conversation of user: only tools are answered"
    assert found == f'train.model {str(folder)!r}: {told}; or set train.template = "plain"'


@pytest.mark.parametrize("template", [LLAMA3, GEMMA, CHATML])
def test_templates_that_serve_are_no_problem(template: str, chatml: Path, tmp_path: Path) -> None:
    assert tried(given(with_template(chatml, tmp_path / "own", template))) == ""


def test_a_template_that_does_not_end_is_given_up_on(
    chatml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert within(60, lambda: None) == ""
    assert "does not end" in within(0.01, lambda: time.sleep(0.5))
    monkeypatch.setattr(trial, "SECONDS", 0.05)
    folder = with_template(
        chatml, tmp_path / "endless", ENDLESS.replace("99999", "9999", 1).replace("99999", "3000", 1)
    )
    assert "the model's chat template does not end: a few lines took it more than 0.05 s" in tried(given(folder))


def test_a_trial_that_breaks_down_is_a_sentence(chatml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial.sys, "executable", "/bin/false")
    (found,) = wanting(model=chatml, template="model")
    assert "its tokenizer and chat template could not be tried: exit code 1" in found


def asked_models(base: Path, model: Path, judge: Path) -> list[str]:
    config = make_config('[[conditions]]\nname = "base"\nsource = "none"\n', model=base, template="plain")
    (base / "c.txt").write_text("1. Be kind.\n")
    (base / "q").mkdir(exist_ok=True)
    (base / "q" / "1.json").write_text(json.dumps(["A?"]))
    values = config.model_dump(exclude_none=True) | {
        "answer": {"constitution": str(base / "c.txt"), "questions": str(base / "q")},
        "judge": {"judges": [{"kind": "local", "model": str(judge), "rankings": 1}]},
    }
    found = type(config).model_validate(values)
    linked = ConditionSection(name="other", source=f"model:{model}")
    return [
        str(error) for error in check_evaluation(found.model_copy(update={"conditions": (*found.conditions, linked)}))
    ]


@pytest.mark.usefixtures("in_process")
def test_models_that_are_only_asked_use_their_own_and_are_tried_with_what_they_are_asked(
    chatml: Path, tmp_path: Path
) -> None:
    base = save_chat_model(tmp_path / "base", None)
    raises = with_template(chatml, tmp_path / "raises", RAISES)
    assert [told for told in asked_models(base, chatml, chatml) if "template" in told] == []
    found = [told for told in asked_models(base, raises, raises) if "template" in told]
    told = "the model's chat template cannot write a conversation of user: only tools are answered"
    assert found == [
        f"condition 'other': model {str(raises)!r}: {told}",
        f"judge 'raises': model {str(raises)!r}: {told}",
    ]


@pytest.mark.long
def test_a_template_is_looked_at_without_torch(chatml: Path) -> None:
    code = (
        "import sys; from training_world import make_config; from core.training.possible import check_training\n"
        'text = \'[[conditions]]\\nname = "full"\\nsource = "all"\'\n'
        f"one = list(check_training(make_config(text, model={str(chatml)!r}), True))\n"
        f"two = list(check_training(make_config(text, model={str(chatml)!r}, template='model'), True))\n"
        "print(len(one), len(two), [m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    path = os.pathsep.join([str(Path(__file__).parent.parent), str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1 0 []"


def test_only_what_is_trained_has_to_be_chosen(chatml: Path) -> None:
    config = make_config('[[conditions]]\nname = "base"\nsource = "none"\n', model=chatml)
    assert problems(config, trained=False) == []
    assert len(problems(config)) == 1, "the base model answers as well, under the same template"
