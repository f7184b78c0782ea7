"""Translation: languages before the source, both languages in pretraining, the loss, and answers of a small model."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.documents import document

from pipeline.errors import BadInput
from pipeline.models.batch import IGNORED
from pipeline.models.collate import collate_answers
from pipeline.models.files import load_model
from pipeline.models.losses import token_losses
from pipeline.serving.answer import Answerer
from pipeline.tasks.parts import part
from pipeline.tasks.translation.section import Translation
from pipeline.tokens.text_encoder import TextEncoder, encoder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.models.files import Loaded

LIMITS = {"kind": "translation", "max_source_tokens": 24, "max_target_tokens": 12}


@pytest.fixture(scope="module")
def loaded(make_model: Callable[..., Path]) -> Loaded:
    return load_model(make_model("marian", task=LIMITS))


@pytest.fixture(scope="module")
def encoder(loaded: Loaded) -> TextEncoder:
    return encoder_of(loaded)


def encode(**fields: Any) -> Any:
    return part(Translation.model_validate({**LIMITS, **fields}), "encode")


def test_a_source_begins_with_its_languages_and_then_the_prefix(encoder: TextEncoder) -> None:
    (found,) = encode(source_language="a", target_language="<mask>", prefix="to German: ").sources(
        [document(1, "Open the file.", name="")], encoder
    )
    text = encoder.encode(["to German: Open the file."])[0]
    known = {token: load_id(encoder, token) for token in ("a", "<mask>")}
    assert found.tolist() == [known["a"], known["<mask>"], *text.tolist()]


def load_id(encoder: TextEncoder, token: str) -> int:
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(encoder.folder / "tokenizer.json")).token_to_id(token)
    assert found is not None
    return int(found)


def test_languages_count_in_the_limit_and_an_empty_text_stays_empty(encoder: TextEncoder) -> None:
    one = encode(target_language="a")
    long, empty = one.sources([document(1, "word " * 60), document(2, "", name="")], encoder)
    assert (len(long), len(empty)) == (24, 0)
    assert long[0] == load_id(encoder, "a")
    counts: Counter[str] = Counter()
    rows = list(one.encode([document(1, "word " * 60, "Wort " * 40), document(2, "ok", "gut", name="")], encoder, counts, "train"))
    assert np.array_equal(rows[0]["source"], long)
    assert counts == {"cut_sources_train": 1, "cut_targets_train": 1}


def test_pretraining_reads_both_languages() -> None:
    assert encode(prefix="to German: ").stream_texts(document(1, "Open it.", "Öffne es.", name="")) == ["to German: Open it.", "Öffne es."]
    assert encode().stream_texts(document(1, "Open it.", None, name="")) == ["Open it."]


def test_a_language_that_the_tokenizer_does_not_know_is_refused_with_the_near_name(encoder: TextEncoder) -> None:
    with pytest.raises(BadInput, match=r"task\.target_language in the tokenizer: '<extra_id>'.*one of 400 names") as caught:
        encode(target_language="<extra_id>").sources([document(1)], encoder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["marian", "bart", "t5", "gpt2"])
def test_the_loss_is_transformers_own(make_model: Callable[..., Path], family: str) -> None:
    loaded = load_model(make_model(family, task=LIMITS))
    encoder = encoder_of(loaded)
    documents = [document(1, "Open the file.", "Öffne die Datei.", name=""), document(2, "Close it now, please.", "Bitte.", name="")]
    rows = list(encode(prefix="to German: ").encode(documents, encoder, Counter(), "train"))
    batch = collate_answers(loaded.model, [row["source"] for row in rows], [row["target"] for row in rows], encoder.vocabulary)
    with torch.no_grad():
        ours = token_losses(loaded.model, batch)
        if family == "gpt2":  # transformers shifts a decoder's labels itself
            shifted = torch.nn.functional.pad(batch.labels, (1, 0), value=IGNORED)[:, :-1]
            theirs = loaded.model.core(**loaded.model.inputs(batch), labels=shifted).loss
        else:
            theirs = loaded.model.core(**loaded.model.inputs(batch), labels=batch.labels).loss
    assert len(ours) == sum(len(row["target"]) for row in rows)
    torch.testing.assert_close(ours.mean(), theirs, rtol=1e-5, atol=1e-6)


def test_a_model_answers_in_text_and_says_how_probable_references_are(make_model: Callable[..., Path]) -> None:
    answerer = Answerer.load(make_model("marian", task={**LIMITS, "prefix": "to German: "}))
    assert list(answerer.answer([{"text": "Open the file."}, {"text": ""}, {"text": None}])["answer"])[1:] == ["", ""]
    (said,) = answerer.likelihoods([document(1, "Open the file.", "Öffne die Datei.")]) or []
    assert said.bytes == len("Öffne die Datei.".encode())


def test_a_translation_is_scored_by_chrf_beside_a_copy_of_the_source() -> None:
    scoring = part(Translation.model_validate(LIMITS), "scoring")
    assert (scoring.primary, scoring.metrics[:2], scoring.beats) == ("chrf", ("chrf", "bleu"), ("copy_source",))
    assert list(scoring.baselines) == ["copy_source", "nearest_neighbour"]
    assert scoring.reference(document(1, target=None)) is None
