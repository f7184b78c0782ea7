"""How fast models answer and load, beside bare transformers on the same folder, texts and machine.

Both sides clean no text (the texts are clean already), read the same tokens, sort by length, and have equal batches. Ours begins at
the rows of a request and ends at the rows of the answer; theirs begins at texts and ends at labels with probabilities, or at texts.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import pandas as pd
import torch
import transformers
from benchmarks.in_turn import compare
from benchmarks.made import make_model_folder, make_tokenizer_folder, package, texts
from transformers import AutoTokenizer

from pipeline.families.kinds import Head, Kind
from pipeline.models.build import HeadSpec
from pipeline.serving.answer import BATCH, Answerer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCORED, WRITTEN, SINGLE = 256, 128, 40
"""Texts that are scored, answered by a text, and asked one at a time."""

LONGEST, ANSWER = 256, 32
"""Tokens of a scored text, and of a written answer."""

CLASSES = tuple(f"class {number}" for number in range(20))
CLASSIFIER = HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification")
LABEL = {"kind": "classification", "max_tokens": LONGEST, "pooling": "first"}
"""transformers has no head on the mean of the states, so BERT's own is compared."""
SUMMARY = {"kind": "summarization", "max_source_tokens": LONGEST, "max_target_tokens": ANSWER}
CHAT = {"kind": "chat", "max_source_tokens": LONGEST, "max_target_tokens": 32}

Row = tuple[str, str, str]


def model_rows() -> list[Row]:
    """Rows for the table."""
    warnings.filterwarnings("ignore", category=UserWarning)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        place = Path(folder)
        tokenizer = make_tokenizer_folder(place / "tokenizer", 8192)
        classifier = make_model_folder(place / "minilm", "minilm", tokenizer, LABEL, CLASSIFIER)
        rows = [_scoring(classifier)]
        rows += [_generation(make_model_folder(place / size, size, tokenizer, SUMMARY), size) for size in ("t5", "gpt2")]
        rows.append(_single(classifier, package(classifier, place / "packaged")))
        chat = make_model_folder(place / "smollm2", "smollm2", make_tokenizer_folder(place / "large", 49152), CHAT)
        rows += _loading(chat, package(chat, place / "packaged-chat"))
    return rows


def _scoring(folder: Path) -> Row:
    """A batch of texts through a classifier."""
    given, answerer, bare = texts(SCORED), Answerer.load(folder), BareClassifier(folder)
    rows = [{"text": text} for text in given]
    _check_equal([float(value) for value in answerer.answer(rows)["score"]], [score for _, score in bare.classify(given)])
    found = compare(lambda: answerer.answer(rows), lambda: bare.classify(given))
    what = f"{SCORED} texts scored by a classifier of MiniLM's size, against transformers in batches sorted by length; one text"
    return what, found.speed(SCORED), "≥ 0.9 x"


def _generation(folder: Path, size: str) -> Row:
    """Answers of a model that writes."""
    answerer, bare = Answerer.load(folder), BareWriter(folder)
    given = texts(WRITTEN)
    rows = [{"text": text} for text in given]
    found = compare(lambda: answerer.answer(rows), lambda: bare.write(given), rounds=3)
    millions = sum(weight.numel() for weight in answerer.loaded.model.parameters()) / 1e6
    what = f"{WRITTEN} answers of {ANSWER} tokens by {size} with {millions:.1f} million weights, against bare `generate()`; one answer"
    return what, found.speed(WRITTEN), "≥ 0.9 x"


def _single(folder: Path, packaged: Path) -> Row:
    """One text at a time through the registered model."""
    served, bare = mlflow.pyfunc.load_model(str(packaged)), BareClassifier(folder)
    given = texts(SINGLE)
    found = compare(
        lambda: [served.predict(pd.DataFrame({"text": [text]})) for text in given], lambda: [bare.classify([text]) for text in given]
    )
    return "one text at a time through the pyfunc of the classifier, against tokenizer and model; one text", found.times(SINGLE), "≤ 1.2 x"


def _loading(folder: Path, packaged: Path) -> list[Row]:
    """A model of 135 million weights, from the disk's cache."""

    def bare() -> object:
        return transformers.AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)

    against = "against `from_pretrained` of model and tokenizer; one load"
    ours = compare(lambda: Answerer.load(folder), bare).times()
    served = compare(lambda: mlflow.pyfunc.load_model(str(packaged)), bare).times()
    return [
        (f"SmolLM2-135M's size loaded to answer, {against}", ours, "≤ 1.5 x"),
        (f"the same by `mlflow.pyfunc.load_model`, {against}", served, "≤ 1.5 x"),
    ]


class BareClassifier:
    """transformers' own classifier, as one writes it by hand."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()

    @torch.inference_mode()
    def classify(self, given: Sequence[str]) -> list[tuple[str, float]]:
        """Label and probability of each text."""
        found: list[tuple[str, float]] = [("", 0.0)] * len(given)
        for chosen, batch in _batches(self.tokenizer, list(given), LONGEST):
            scores = self.model(**batch).logits.softmax(dim=-1).tolist()
            for index, row in zip(chosen, scores, strict=True):
                best = max(range(len(row)), key=row.__getitem__)
                found[index] = self.model.config.id2label[best], row[best]
        return found


class BareWriter:
    """transformers' own `generate()`. Both sides write answers of the full length."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        encodes = transformers.AutoConfig.from_pretrained(folder).is_encoder_decoder
        self.kind = Kind.ENCODER_DECODER if encodes else Kind.DECODER
        auto = transformers.AutoModelForSeq2SeqLM if encodes else transformers.AutoModelForCausalLM
        self.model = auto.from_pretrained(folder).eval()
        self.tokenizer.padding_side = "right" if encodes else "left"

    @torch.inference_mode()
    def write(self, given: Sequence[str]) -> list[str]:
        """The answer to each text."""
        found = [""] * len(given)
        for chosen, batch in _batches(self.tokenizer, list(given), LONGEST):
            written = self.model.generate(**batch, max_new_tokens=ANSWER, do_sample=False)
            begin = batch["input_ids"].shape[1] if self.kind is Kind.DECODER else 0
            said = self.tokenizer.batch_decode(written[:, begin:], skip_special_tokens=True)
            for index, text in zip(chosen, said, strict=True):
                found[index] = text
        return found


def _batches(tokenizer: Any, given: list[str], longest: int) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """Indices and padded tensors of each batch, sorted by length."""
    encoded = tokenizer(given, truncation=True, max_length=longest, return_token_type_ids=False)
    order = sorted(range(len(given)), key=lambda index: len(encoded["input_ids"][index]))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        yield chosen, tokenizer.pad({name: [values[index] for index in chosen] for name, values in encoded.items()}, return_tensors="pt")


def _check_equal(ours: list[float], bare: list[float]) -> None:
    """What is compared must be the same work."""
    apart = max(abs(own - other) for own, other in zip(ours, bare, strict=True))
    if apart > 1e-5:
        raise SystemExit(f"the two do not answer the same: their probabilities are up to {apart} apart")
