"""Model import: bring pretrained weights in, as an ordinary transformers folder."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.start import Start


class ModelImportParams(Params):
    """What the import needs to know."""

    start: Start
    """The address of the weights."""


contract = Component(
    name="model_import",
    verb="import_model",
    version=1,
    summary="Bring pretrained weights in from a folder, a bucket, a package or the hub, as an ordinary transformers folder.",
    params=ModelImportParams,
    inputs={"source": Input(ArtifactType.SOURCE)},
    output=ArtifactType.MODEL,
    image="training",
    libraries=("gguf", "safetensors", "tokenizers", "torch", "transformers"),
    resources="cpu-small",
)
