"""A GGUF file becomes an ordinary folder with the same logits, tokenizer and chat template; a cut one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from fixtures.starts import gguf_file, pretrained_folder

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama as an ordinary folder."""
    return pretrained_folder(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture
def fetched(base: Path, tmp_path: Path) -> Path:
    """The folder with its GGUF file."""
    (tmp_path / "fetched").mkdir()
    gguf_file(base, tmp_path / "fetched" / "tiny.gguf")
    return tmp_path / "fetched"


@torch.no_grad()
def test_the_folder_gives_the_logits_and_the_ids_of_the_model_that_was_written(
    base: Path, fetched: Path, imported: Callable[..., Any]
) -> None:
    folder, counts = imported(fetched)
    ours, theirs = (transformers.AutoModelForCausalLM.from_pretrained(place).eval() for place in (folder, base))
    tokenizers = [transformers.AutoTokenizer.from_pretrained(place) for place in (folder, base)]
    said = [{"role": "user", "content": "Open the file?"}]
    texts = [tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True) for tokenizer in tokenizers]
    assert texts[0] == texts[1]
    ids = [tokenizer(text, return_tensors="pt")["input_ids"] for tokenizer, text in zip(tokenizers, texts, strict=True)]
    assert torch.equal(*ids)
    torch.testing.assert_close(ours(ids[0]).logits, theirs(ids[0]).logits, rtol=0, atol=1e-6)
    assert counts == {"parameters": theirs.num_parameters(), "vocabulary": 360, "embeddings": 360, "words": 0}
    assert not hasattr(ours.config, "quantization_config")


@pytest.mark.parametrize("keep", [0, 10, 3000, -100])
def test_a_file_that_is_cut_is_refused_in_one_line(keep: int, fetched: Path, imported: Callable[..., Any]) -> None:
    file = fetched / "tiny.gguf"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(BadInput, match=r"tiny\.gguf is cut") as caught:
        imported(fetched)
    assert "\n" not in str(caught.value)
