"""Texts, tokenizers and models of realistic sizes, made on the spot: random weights take as long to load and to run as trained ones."""

from __future__ import annotations

import inspect
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, Any

from pipeline.corpus.normalise import clean_text
from pipeline.families.families import families
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.architecture import Architecture
from pipeline.models.build import HeadSpec, new_model
from pipeline.models.files import save_model
from pipeline.models.info import ModelInfo
from pipeline.recipe import Tokenizer
from pipeline.serving.package import package_model
from pipeline.tokens.tokenizer_folder import read_vocabulary, save_trained
from pipeline.tokens.train_tokenizer import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "minilm": ("bert", 512, {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}),
    "t5": ("t5", 512, {"d_model": 256, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 4}),
    "gpt2": ("gpt2", 512, {"n_embd": 256, "n_layer": 6, "n_head": 4}),
    "smollm2": (
        "llama",
        2048,
        {
            "hidden_size": 576,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "intermediate_size": 1536,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
            "tie_word_embeddings": True,
        },
    ),
}
"""Family, context and configuration: all-MiniLM-L6's, T5 and GPT-2 of some millions of weights, SmolLM2-135M's."""


def texts(count: int) -> list[str]:
    """Paragraphs of Python's own documentation, of 20 to 1,000 characters; the same ones in every run of one Python."""
    # as a served model cleans them, so that both sides read the same tokens
    found = [clean_text(part) for topic in sorted(topics) for part in topics[topic].split("\n\n")]
    chosen = [part for part in found if 20 <= len(part) <= 1000]
    return [chosen[index * 7919 % len(chosen)] for index in range(count)]


def make_tokenizer_folder(folder: Path, vocabulary: int) -> Path:
    """A byte-level BPE trained on Python's standard library."""
    save_trained(make_tokenizer(_sources(), Tokenizer(vocabulary=vocabulary, min_frequency=1, sentinels=0), folder), folder)
    return folder


def make_model_folder(folder: Path, size: str, tokenizer: Path, task: dict[str, Any], head: HeadSpec | None = None) -> Path:
    """Save a model with random weights.

    Args:
        folder: where to write.
        size: a name from `SIZES`.
        tokenizer: folder of its tokenizer.
        task: the recipe's ``task`` section.
        head: None takes the head that predicts tokens.
    """
    family, context, config = SIZES[size]
    architecture, vocabulary, kind = Architecture(family, context, config), read_vocabulary(tokenizer), families()[family].kind
    spec = head or HeadSpec(LANGUAGE_HEAD[kind])
    model = new_model(architecture, vocabulary, spec, 0.0, seed=0).eval()
    save_model(model, folder, ModelInfo(kind, family, context, vocabulary, spec, task, architecture=architecture), tokenizer=tokenizer)
    return folder


def package(model: Path, folder: Path) -> Path:
    """The MLflow model of a model folder."""
    (folder / "sources").mkdir(parents=True)
    return package_model(model, folder / "mlflow", folder / "sources", {}, {})


def _sources() -> Iterator[str]:
    """Modules of the standard library: enough words for a vocabulary of 49,152."""
    library = Path(inspect.getfile(inspect)).parent
    assert library == Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if "site-packages" not in path.parts and "test" not in path.parts:
            yield path.read_text(encoding="utf-8", errors="ignore")
