"""Languages of multilingual bases: tokens, training, answers and saved folder agree with transformers' own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from fixtures.corpora import write_corpus
from fixtures.families import finetune
from fixtures.multilingual import LANGUAGES, multilingual_base
from fixtures.task_recipes import translations

from pipeline.corpus.documents import Document
from pipeline.corpus.read_corpus import read_pairs
from pipeline.corpus.shards import ShardWriter
from pipeline.errors import BadInput
from pipeline.models.batch import IGNORED
from pipeline.models.collate import prompt_ids
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.models.files import load_model
from pipeline.models.losses import token_losses
from pipeline.recipe import Finetuning, Model, Tokenizer
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer, Silent
from pipeline.tasks.parts import part
from pipeline.tasks.translation.section import Translation
from pipeline.tokens.languages import language_ids
from pipeline.tokens.text_encoder import encoder_of
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.training.base import FeedInputs
from pipeline.training.job import TrainingJob
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

KINDS = sorted(LANGUAGES)
PAIRS = [(row["en"][:40], row["de"][:40]) for row in translations()][:40]


class NoCheckpoints:
    """Keeps nothing."""

    def newest(self) -> None:
        return None

    def save(self, step: int, folder: Path) -> None:
        """Keep nothing."""


class Trained(NamedTuple):
    """A base, its tokens, and a model that was trained from it into German."""

    kind: str
    base: Path
    corpus: Path
    tokens: Path
    model: Path
    task: Translation


def section(kind: str, **fields: Any) -> Translation:
    english, german, _ = LANGUAGES[kind]
    values = {"source_language": english, "target_language": german, "language_tag": "answer", **fields}
    return Translation.model_validate({"kind": "translation", "max_source_tokens": 48, "max_target_tokens": 48, **values})


def tokenize(task: Translation, corpus: Path, output: Path, base: Path | None) -> Path:
    output.mkdir()
    tokenize_corpus(
        corpus, Tokenizer(vocabulary=400, sentinels=4), part(task, "encode"), output, SilentReporter(),
        base=base, languages=task.language_tokens,
    )  # fmt: skip
    return output


def make_job(tokens: Path, output: Path, model: Model) -> TrainingJob:
    output.mkdir()
    return TrainingJob(tokens, model, output, "cpu", 1, SilentReporter(), NoCheckpoints())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [("", english, german) for english, german in PAIRS]
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus", {"train": rows, "validation": rows[:6], "test": rows[:6]})


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    # German is the source, so that the frame of the base, which is English, has to change
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    english, german, _ = LANGUAGES[kind]
    task = section(kind, source_language=german, target_language=english)
    base = multilingual_base(kind, folder / "base", [text for pair in PAIRS for text in pair])
    tokens = tokenize(task, corpus, folder / "tokens", base)
    params = Finetuning(steps=120, batch=8, optimizer="adamw", learning_rate=2e-2, precision="fp32", dropout=0.0, evaluate_every=120)
    finetune(make_job(tokens, folder / "model", Model(start="base")), params, base, task)
    return Trained(kind, base, corpus, tokens, folder / "model", task)


def own_tokenizer(trained: Trained) -> Any:
    """The tokenizer of the saved folder, as transformers alone opens it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(trained.model)


def test_a_prompt_is_what_transformers_encodes_in_the_source_language(trained: Trained) -> None:
    from transformers import AutoTokenizer

    loaded, encode = load_model(trained.model), part(trained.task, "encode")
    encoder = encoder_of(loaded)
    documents = read_pairs(trained.corpus, "test")
    ours = [prompt_ids(source, encoder.vocabulary, loaded.model.kind).tolist() for source in encode.sources(documents, encoder)]
    base = AutoTokenizer.from_pretrained(trained.base, src_lang=LANGUAGES[trained.kind][1])
    for tokenizer in (base, own_tokenizer(trained)):
        assert ours == [tokenizer(document.text).input_ids for document in documents]


def test_the_loss_is_transformers_own_apart_from_the_given_language(trained: Trained) -> None:
    loaded, tokens = load_model(trained.model), open_tokens(trained.tokens)
    feed = part(trained.task, "model").feed(FeedInputs(tokens, loaded.model, loaded.info.context, Finetuning(steps=1, batch=4)))
    batch = feed.validation()[0]
    english = own_tokenizer(trained).convert_tokens_to_ids(LANGUAGES[trained.kind][0])
    assert set(batch.labels[:, 0].tolist()) == {IGNORED}
    assert set(batch.inputs["decoder_input_ids"][:, 1].tolist()) == {english}
    # transformers makes the decoder's input from labels that begin with the language
    whole = batch.labels.clone()
    whole[:, 0] = english
    with torch.no_grad():
        theirs = loaded.model.core(input_ids=batch.inputs["input_ids"], attention_mask=batch.inputs["attention_mask"], labels=whole)
        expected = torch.nn.functional.cross_entropy(theirs.logits[:, 1:].flatten(0, 1), whole[:, 1:].flatten(), ignore_index=IGNORED)
        ours = token_losses(loaded.model, batch)
    torch.testing.assert_close(ours.mean(), expected, rtol=1e-5, atol=1e-6)
    said = Answerer.load(trained.model).likelihoods(read_pairs(trained.corpus, "validation")) or []
    with torch.no_grad():
        every = torch.cat([token_losses(loaded.model, one) for one in feed.validation()])
    assert sum(one.nats for one in said) == pytest.approx(float(every.sum()), rel=1e-4)
    assert sum(one.tokens for one in said) == len(every)


def test_answers_are_those_of_transformers_alone(trained: Trained) -> None:
    from transformers import AutoModelForSeq2SeqLM

    answerer = Answerer.load(trained.model)
    documents = read_pairs(trained.corpus, "test")
    ours = [prediction.answer for prediction in answerer.predict(documents)]
    bare, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(trained.model), own_tokenizer(trained)
    english = tokenizer.convert_tokens_to_ids(LANGUAGES[trained.kind][0])
    assert bare.generation_config.forced_bos_token_id == english
    # the settings of the base that the recipe does not have
    bare.generation_config.forced_eos_token_id = bare.generation_config.max_length = None
    vocabulary = answerer.loaded.info.vocabulary
    others = [[token] for token in vocabulary.never_written]
    for document, answer in zip(documents, ours, strict=True):
        inputs = tokenizer(document.text, return_tensors="pt")
        with torch.no_grad():
            written = bare.generate(**inputs, max_new_tokens=48, num_beams=1, bad_words_ids=others, decoder_start_token_id=vocabulary.eos)[
                0
            ].tolist()
        assert written[1] == english
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer
    assert len(set(ours)) > 1


def test_a_batch_of_several_languages_gives_each_row_its_own(trained: Trained) -> None:
    english, _, french = LANGUAGES[trained.kind]
    task = trained.task.model_copy(update={"target_language": None, "target_languages": {"en": english, "fr": french}})
    loaded = load_model(trained.model)
    model, asked = part(task, "model"), read_pairs(trained.corpus, "test")
    alone = {
        language: model.likelihoods(loaded, [document._replace(pair=language) for document in asked], 8, Silent())
        for language in ("en", "fr")
    }
    mixed = [document._replace(pair=("en", "fr")[index % 2]) for index, document in enumerate(asked)]
    together = model.likelihoods(loaded, mixed, 8, Silent())
    assert [one.nats for one in together] == pytest.approx([alone[document.pair][index].nats for index, document in enumerate(mixed)])
    assert all(abs(one.nats - other.nats) > 0.01 for one, other in zip(alone["en"], alone["fr"], strict=True))
    assert [one.nats for one in alone["en"]] == pytest.approx([one.nats for one in Answerer(loaded).likelihoods(asked) or []])
    written = model.predict(loaded, mixed, 8, Silent())
    each = [model.predict(loaded, [document], 8, Silent())[0].answer for document in mixed]
    assert [said.answer for said in written] == each


@pytest.mark.parametrize("field", ["source_language", "target_language"])
def test_a_language_that_the_base_lacks_is_refused(trained: Trained, field: str, tmp_path: Path) -> None:
    wrong = trained.task.model_copy(update={field: "xx_YY"})
    with pytest.raises(BadInput, match=rf"task\.{field}: language of the tokenizer 'xx_YY'; expected one of: ") as caught:
        tokenize(wrong, trained.corpus, tmp_path / "tokens", trained.base)
    assert "\n" not in str(caught.value)


def test_a_new_tokenizer_gets_the_languages_and_never_writes_them(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    writer = ShardWriter(folder, "train", 1)
    for index, (english, german) in enumerate(PAIRS):
        writer.add(Document(f"{index:024x}", "", "", english, "de" if index % 2 else "fr", german))
    writer.close()
    fields = {"source_language": "<en>", "target_languages": {"de": "<de>", "fr": "<fr>"}, "language_tag": "source"}
    task = Translation.model_validate({"kind": "translation", **fields})
    vocabulary = open_tokens(tokenize(task, folder, tmp_path / "tokens", None)).vocabulary
    ids = language_ids(load_content_tokenizer(tmp_path / "tokens" / "tokenizer"), vocabulary)
    assert set(ids) == {"<en>", "<de>", "<fr>"}
    assert set(ids.values()) <= set(vocabulary.never_written)
    assert vocabulary.size <= 400
    tokens = open_tokens(tmp_path / "tokens")
    firsts = {tuple(tokens.field("train", "source", "")[index][:2].tolist()) for index in range(len(PAIRS))}
    assert firsts == {(ids["<en>"], ids["<de>"]), (ids["<en>"], ids["<fr>"])}
