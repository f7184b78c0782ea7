"""Translation: languages before the source, both languages in pretraining, the loss, and answers of a small model."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.cleaned import document_of
from fixtures.documents import document
from fixtures.tiny import sentences

from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.keys import input_key
from pipeline.errors import BadInput
from pipeline.models.batch import IGNORED
from pipeline.models.collate import collate_answers
from pipeline.models.files import load_model
from pipeline.models.losses import token_losses
from pipeline.recipe import Filter, Tokenizer
from pipeline.serving.answer import Answerer
from pipeline.tasks.parts import part
from pipeline.tasks.translation.section import Translation
from pipeline.tokens.text_encoder import TextEncoder, encoder_of
from pipeline.tokens.tokenizer_folder import save_trained
from pipeline.tokens.train_tokenizer import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded

LIMITS = {"kind": "translation", "max_source_tokens": 24, "max_target_tokens": 12}


TOKENS = ("<en>", "<de>", "<fr>")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that was trained here, with languages."""
    folder = tmp_path_factory.mktemp("languages")
    texts = [" ".join(row) for row in sentences(400)]
    save_trained(make_tokenizer(texts, Tokenizer(vocabulary=400, sentinels=0), folder, TOKENS), folder, TOKENS)
    return folder


@pytest.fixture(scope="module")
def loaded(make_model: Callable[..., Path], tokenizer: Path) -> Loaded:
    return load_model(make_model("marian", task=LIMITS, tokenizer=tokenizer))


@pytest.fixture(scope="module")
def encoder(loaded: Loaded) -> TextEncoder:
    return encoder_of(loaded)


def encode(**fields: Any) -> Any:
    return part(Translation.model_validate({**LIMITS, **fields}), "encode")


def in_language(language: str | None, text: str = "Open the file.", target: str | None = None) -> Document:
    return document(1, text, target, name="")._replace(pair=language)


def test_a_source_begins_with_its_languages_and_then_the_prefix(encoder: TextEncoder) -> None:
    one = encode(source_language="<en>", target_language="<de>", prefix="to German: ")
    (found,) = one.sources([in_language(None)], encoder)
    text = encoder.encode(["to German: Open the file."])[0]
    assert found.tolist() == [load_id(encoder, "<en>"), load_id(encoder, "<de>"), *text.tolist()]


def load_id(encoder: TextEncoder, token: str) -> int:
    found = read_tokenizer(encoder).token_to_id(token)
    assert found is not None
    return int(found)


def read_tokenizer(encoder: TextEncoder) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(encoder.folder / "tokenizer.json"))


def test_languages_count_in_the_limit_and_an_empty_text_stays_empty(encoder: TextEncoder) -> None:
    one = encode(target_language="<de>")
    long, empty = one.sources([document(1, "word " * 60), document(2, "", name="")], encoder)
    assert (len(long), len(empty)) == (24, 0)
    assert long[0] == load_id(encoder, "<de>")
    counts: Counter[str] = Counter()
    rows = list(one.encode([document(1, "word " * 60, "Wort " * 40), document(2, "ok", "gut", name="")], encoder, counts, "train"))
    assert np.array_equal(rows[0]["source"], long)
    assert counts == {"cut_sources_train": 1, "cut_targets_train": 1}


def test_each_document_gets_the_token_of_its_own_language(encoder: TextEncoder) -> None:
    one = encode(target_languages={"de": "<de>", "fr-FR": "<fr>"})
    german, french = one.sources([in_language("de"), in_language("fr-FR")], encoder)
    assert (german[0], french[0]) == (load_id(encoder, "<de>"), load_id(encoder, "<fr>"))
    assert np.array_equal(german[1:], french[1:])


def test_an_answer_begins_with_its_language_and_its_limit_counts_it(encoder: TextEncoder) -> None:
    one = encode(target_languages={"de": "<de>", "fr": "<fr>"}, language_tag="answer")
    counts: Counter[str] = Counter()
    documents = [in_language("fr", target="Ouvre."), in_language("de", target="Wort " * 40)]
    short, long = one.encode(documents, encoder, counts, "train")
    assert short["target"].tolist() == [load_id(encoder, "<fr>"), *encoder.encode(["Ouvre."])[0].tolist(), encoder.vocabulary.eos]
    assert (long["target"][0], len(long["target"])) == (load_id(encoder, "<de>"), 12)
    assert counts["cut_targets_train"] == 1
    assert np.array_equal(short["source"], encoder.encode(["Open the file."])[0])


def test_a_prefix_names_the_language_in_words(encoder: TextEncoder) -> None:
    one = encode(target_languages={"de": "German", "fr": "French"}, prefix="translate English to {language}: ")
    assert one.source(in_language("fr")) == "translate English to French: Open the file."
    assert one.source(in_language("fr", text="")) == ""
    (found,) = one.sources([in_language("de")], encoder)
    assert found.tolist() == encoder.encode(["translate English to German: Open the file."])[0].tolist()[:24]
    assert encode(target_language="German", prefix="to {language}: ").source(in_language(None)) == "to German: Open the file."


def test_pretraining_reads_both_languages() -> None:
    assert encode(prefix="to German: ").stream_texts(document(1, "Open it.", "Öffne es.", name="")) == ["to German: Open it.", "Öffne es."]
    assert encode().stream_texts(document(1, "Open it.", None, name="")) == ["Open it."]


def test_a_language_that_the_tokenizer_does_not_know_is_refused_with_the_near_name(encoder: TextEncoder) -> None:
    message = r"task\.target_language: language of the tokenizer '<ed>'; expected one of: <de>, <en>, <fr>; fix: did you mean '<e"
    with pytest.raises(BadInput, match=message) as caught:
        encode(target_language="<ed>").sources([document(1)], encoder)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_without_languages_is_refused(make_model: Callable[..., Path]) -> None:
    plain = encoder_of(load_model(make_model("t5", task=LIMITS)))
    with pytest.raises(
        BadInput, match=r"task\.target_languages is '<de>', but the tokenizer has no language tokens; .* fix: say the language"
    ):
        encode(target_languages={"de": "<de>"}).sources([in_language("de")], plain)


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


def test_with_several_languages_a_row_names_its_own(make_model: Callable[..., Path], tokenizer: Path) -> None:
    task = {**LIMITS, "target_languages": {"de": "<de>", "fr": "<fr>"}}
    answerer = Answerer.load(make_model("marian", task=task, tokenizer=tokenizer))
    assert [(column.name, column.required) for column in answerer.serving.inputs] == [("text", True), ("language", True), ("name", False)]
    rows = [{"text": "Open the file.", "language": language} for language in ("de", "fr", "de")]
    first, _, third = answerer.answer(rows)["answer"]
    assert first == third
    german, french = answerer.likelihoods([in_language(language, target="Öffne die Datei.") for language in ("de", "fr")]) or []
    assert abs(german.nats - french.nats) > 0.01
    assert answerer.document(answerer.serving.example).pair == "de"
    for language in ("xx", None, float("nan")):
        with pytest.raises(BadInput, match=r"target language.*expected one of: de, fr"):
            answerer.answer([{"text": "Open it.", "language": language}])
    assert [column.name for column in part(Translation.model_validate(LIMITS), "serving").inputs] == ["text", "name"]


def test_records_of_another_language_are_quarantined_and_translations_of_one_text_stay_together() -> None:
    several = part(Translation.model_validate({**LIMITS, "target_languages": {"de": "<de>", "fr": "<fr>"}}), "examples")
    rules = Filter(min_chars=3)
    german, french, other, none = (
        document_of(several, Record("Open the file.", text, pair=language, where="x:1"), rules)
        for text, language in (("Öffne die Datei.", "de"), ("Ouvre le fichier.", "fr"), ("Apri.", "it"), ("Abre.", None))
    )
    assert (other, none) == (
        Quarantined("task.target_languages lacks 'it'", "x:1", "Apri."),
        Quarantined("no target language", "x:1", "Abre."),
    )
    keys = [several.split_keys(found) for found in (german, french)]
    assert keys[0].decides == keys[1].decides == keys[0].input
    assert [key.also for key in keys] == ["öffne die datei", "ouvre le fichier"]
    single = part(Translation.model_validate(LIMITS), "examples").split_keys(german)
    assert (single.decides, single.input) == ("öffne die datei", input_key(german))


def test_a_translation_is_scored_by_chrf_beside_a_copy_of_the_source() -> None:
    scoring = part(Translation.model_validate(LIMITS), "scoring")
    assert (scoring.primary, scoring.metrics[:2], scoring.beats) == ("chrf", ("chrf", "bleu"), ("copy_source",))
    assert list(scoring.baselines) == ["copy_source", "nearest_neighbour"]
    assert scoring.reference(document(1, target=None)) is None
