"""Words of the domain become single tokens of a base's tokenizer, with the mean of their pieces as embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import transformers
from fixtures.starts import HEADS, pretrained_folder

from pipeline.errors import BadInput
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tokens.encoding import choose_encoder, encoder_named

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("shopkeeper", "parcels")
SPLIT = ("roberta", False)
"""transformers resizes the head of this one in two parts that no longer fit each other."""


def add(tmp_path: Path, family: str, words: tuple[str, ...] = WORDS, **options: Any) -> tuple[Path, Path, dict[str, int]]:
    """Import a tiny base with more words; give both folders."""
    from pipeline.pretrained.import_folder import import_weights

    base, output, scratch = tmp_path / "base", tmp_path / "output", tmp_path / "scratch"
    pretrained_folder(base, family, **options)
    output.mkdir()
    scratch.mkdir()
    return base, output, import_weights(base, output, scratch, words)


def tables(model: Any) -> list[torch.Tensor]:
    """Input embeddings, and output embeddings where they are others."""
    inside, outside = model.get_input_embeddings().weight, model.get_output_embeddings()
    return [inside, *([outside.weight] if outside is not None and outside.weight.data_ptr() != inside.data_ptr() else [])]


@pytest.mark.parametrize(("family", "tied"), [(family, tied) for family in HEADS for tied in (True, False) if (family, tied) != SPLIT])
def test_a_word_is_one_token_with_the_mean_of_its_pieces(family: str, tied: bool, tmp_path: Path) -> None:
    base, folder, counts = add(tmp_path, family, tie_word_embeddings=tied, shard="20KB")
    before, after = (transformers.AutoTokenizer.from_pretrained(place) for place in (base, folder))
    old, new = (getattr(transformers, HEADS[family]).from_pretrained(place) for place in (base, folder))
    assert counts["words"] == 2
    assert counts["vocabulary"] == counts["embeddings"] == len(after) == len(before) + 2
    assert len(tables(new)) == len(tables(old))
    for word in WORDS:
        pieces = before.backend_tokenizer.encode(word, add_special_tokens=False).ids
        assert len(pieces) > 1
        number = after.convert_tokens_to_ids(word)
        assert number in after(f"Ask the {word} again.")["input_ids"]
        for ours, theirs in zip(tables(new), tables(old), strict=True):
            torch.testing.assert_close(ours[number], theirs[pieces].mean(0))
            assert torch.equal(ours[: len(before)], theirs)
    text = "Return the file of the request."
    assert after(text)["input_ids"] == before(text)["input_ids"]
    assert not [path for path in folder.glob("*.safetensors") if path.name not in ("model.safetensors",)]


def test_rows_that_the_base_has_to_spare_are_used(tmp_path: Path) -> None:
    _, folder, counts = add(tmp_path, "t5", vocab_size=128)
    assert transformers.AutoConfig.from_pretrained(folder).vocab_size == counts["embeddings"] == 128


def test_an_encoder_without_a_language_head_stays_without_one(tmp_path: Path) -> None:
    _, folder, _ = add(tmp_path, "bert", head="AutoModel")
    assert transformers.AutoConfig.from_pretrained(folder).architectures == ["BertModel"]


def test_the_bulk_encoder_finds_the_words_even_if_its_sample_has_none(tmp_path: Path) -> None:
    _, folder, _ = add(tmp_path, "gpt2")
    tokenizer = load_content_tokenizer(folder)
    encode = encoder_named(choose_encoder(tokenizer, ["Open the file."] * 9), tokenizer)
    (ids,) = encode(["the shopkeeper says"])
    assert tokenizer.token_to_id("shopkeeper") in np.asarray(ids)


def test_words_that_are_one_token_already_change_nothing(tmp_path: Path) -> None:
    base, folder, counts = add(tmp_path, "bert", ("file", "the"))
    assert counts["words"] == 0
    assert (folder / "model.safetensors").read_bytes() == (base / "model.safetensors").read_bytes()


def test_a_word_in_unknown_letters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tokenizer\.words: the base's tokenizer knows nothing of '日本'"):
        add(tmp_path, "bert", ("日本",))


def test_a_head_that_transformers_cannot_resize_is_refused(tmp_path: Path) -> None:
    family, tied = SPLIT
    with pytest.raises(BadInput, match="the weights of roberta cannot be loaded"):
        add(tmp_path, family, tie_word_embeddings=tied)
