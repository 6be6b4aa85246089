"""How large the model of [train] is, as far as its small files and the headers of its weights tell. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import DempoError
from core.facts.training.weight_files import WEIGHTS_INDEX
from core.sections.what_trains import TrainSection
from core.training.models.model import folder_of, weights_of
from core.training.models.small_files import settings_in, small_file
from core.training.prediction.dimensions import Dimensions, dimensions_of, dimensions_of_tiny, parameters_in


@dataclass(frozen=True)
class ModelSize:
    """Parameters and dimensions, None where they are not known; `unknown` says why. stored are the bytes of its weights
    on disk, in whose numbers trained models are kept; None: not known, so those of training are taken."""

    parameters: int | None
    dimensions: Dimensions | None
    unknown: str = ""
    stored: int | None = None


def size_of_model(train: TrainSection) -> ModelSize:
    """The size of the model that [train] names; nothing is refused where it cannot be told."""
    if train.model == "tiny":
        tiny = dimensions_of_tiny(train.tiny)
        return ModelSize(tiny.parameters, tiny)
    try:
        folder = folder_of(train.model, train.revision)
        path = small_file(train, folder, "config.json", "train.model")
        if path is None:
            return ModelSize(None, None, f"{train.model} holds no config.json")
        dimensions = dimensions_of(settings_in(path, "train.model"))
    except DempoError as error:
        return ModelSize(None, None, str(error))
    try:
        files = [file for file in weights_of(folder) if file.name != WEIGHTS_INDEX] if folder else []
    except DempoError:
        files = []  # preflight says that weights are missing; how large they would be, the configuration tells
    parameters = parameters_in(files) if files else None
    if parameters is None and dimensions is not None:
        parameters = dimensions.parameters
    told = "" if dimensions else f"{train.model} is not built like Llama, so its activations are known only if measured"
    return ModelSize(parameters, dimensions, told, sum(file.stat().st_size for file in files) or None)
