"""Tokenizer: take or train the tokenizer of a corpus ahead of tokenization, so that several machines may encode with it."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.task import Task
from pipeline.recipe.tokenizer import Tokenizer


class TokenizerParams(Params):
    """What making a tokenizer needs to know."""

    tokenizer: Tokenizer
    """Vocabulary of the recipe."""

    task: Task
    """Which texts a document has."""


# nothing is made of a corpus before its checks have ended
CHECKED = Input(ArtifactType.DATA_REPORT, optional=True, parts=("report.json",), identity=False)
# a retraining starts from another champion each time, with the same tokenizer: what is made of it is a cache hit
BASE = Input(
    ArtifactType.MODEL, optional=True, parts=("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
)

contract = Component(
    name="tokenizer",
    verb="make_tokenizer",
    version=1,
    summary="Take or train the tokenizer of a corpus ahead of tokenization.",
    params=TokenizerParams,
    inputs={"corpus": Input(ArtifactType.CORPUS, parts=("train-*.parquet",)), "checked": CHECKED, "base": BASE},
    output=ArtifactType.TOKENIZER,
    task_parts=("encode",),
    image="training",
    libraries=("pyarrow", "tokenizers", "transformers"),
    resources="cpu-small",
)
