"""Captioning: a model learns what images show, and answers by the image alone."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fixtures.families import finetune, tiny_section
from fixtures.shapes import draw, pictures, write_parquet
from fixtures.task_recipes import task_recipe
from PIL import Image
from transformers import AutoTokenizer, VisionEncoderDecoderModel, ViTImageProcessor

from pipeline.corpus.images import square
from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_pairs
from pipeline.errors import BadInput
from pipeline.evaluation.baselines.base import Known
from pipeline.evaluation.baselines.nearest_image import NEAREST_IMAGE
from pipeline.models.files import load_model
from pipeline.pretrained.import_folder import import_weights
from pipeline.recipe import Columns, Data, Filter, Finetuning, Model, Source, Split
from pipeline.recipe.overrides import replace_fields
from pipeline.recipe.tokenizer import Tokenizer
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.captioning.section import Captioning
from pipeline.tasks.parts import part
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.training.job import TrainingJob

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
TASK = Captioning(kind="captioning", image_size=SIDE, max_target_tokens=12)
LEARNS = Model(
    family="vision-encoder-decoder",
    config={
        "encoder": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96, "patch_size": 8},
        "decoder": {"n_embd": 48, "n_layer": 2, "n_head": 4},
    },
    context=40,
)
PARAMS = {"batch": 16, "dropout": 0.0, "precision": "fp32", "patience": 99, "evaluate_every": 200, "checkpoint_every": 1000}


class NoShelf:
    """Keeps no checkpoint."""

    def newest(self) -> None:
        return None

    def save(self, step: int, folder: Path) -> None:
        """Keep nothing."""


def job(folder: Path, output: Path, model: Model | None = None) -> TrainingJob:
    return TrainingJob(folder / "tokens", model or tiny_section("vision-encoder-decoder"), output, "cpu", 1, SilentReporter(), NoShelf())


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 600 images, its tokens, and a model that learned from them."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("shapes")
    source = Source(kind="parquet", path=str(write_parquet(folder / "a.parquet", pictures(600))), columns=Columns(image="image"))
    data = Data(source=source, split=Split(salt="s", test=0.1, validation=0.05), filter=Filter(min_chars=3))
    settings = Settings(state=folder / "state", home=folder)
    for name in ("corpus", "tokens"):
        (folder / name).mkdir()
    ingest_corpus(data, part(TASK, "examples"), PINNERS.load("parquet")(source, settings), folder / "corpus", settings, SilentReporter())
    counts = tokenize_corpus(
        folder / "corpus", Tokenizer(vocabulary=300, sentinels=0), part(TASK, "encode"), folder / "tokens", SilentReporter()
    )
    assert counts["examples_train"] == counts["documents_train"] > 400
    finetune(job(folder, folder / "model", LEARNS), Finetuning.model_validate({"steps": 150, **PARAMS}), task=TASK)
    return folder


@pytest.fixture(scope="module")
def answerer(shapes: Path) -> Answerer:
    return Answerer.load(shapes / "model")


def share_of_words(said: list[str], wanted: list[str]) -> float:
    """Share of the positions of a caption whose word is right; a caption is six words, of which two say nothing."""
    return float(
        np.mean(
            [word == other for one, two in zip(said, wanted, strict=True) for word, other in zip(one.split(), two.split(), strict=False)]
        )
    )


def test_the_caption_follows_from_the_image(shapes: Path, answerer: Answerer) -> None:
    """With the image of another document the true caption is far less probable, and what is written no longer fits."""
    documents = read_pairs(shapes / "corpus", "test")
    others = [one._replace(image=documents[place - 1].image) for place, one in enumerate(documents)]
    wanted = [one.target for one in documents]
    seen, unseen = ([found.nats for found in answerer.likelihoods(asked)] for asked in (documents, others))
    assert np.mean(unseen) > 2 * np.mean(seen)
    right, wrong = ([found.answer for found in answerer.predict(asked)] for asked in (documents, others))
    assert share_of_words(right, wanted) > share_of_words(wrong, wanted) + 0.1
    assert wrong == [*right[-1:], *right[:-1]]  # nothing but the image decides: not the document's own text


def test_answers_and_likelihoods_do_not_depend_on_the_batch(shapes: Path) -> None:
    documents = read_pairs(shapes / "corpus", "test")[:20]
    alone, together = (Answerer.load(shapes / "model", batch=size) for size in (1, 20))
    assert alone.predict(documents) == together.predict(documents)
    first, second = ([found.nats for found in one.likelihoods(documents)] for one in (alone, together))
    assert np.allclose(first, second, rtol=1e-3)


def test_the_folder_is_an_ordinary_one(shapes: Path, answerer: Answerer, tmp_path: Path) -> None:
    """transformers alone reads it, prepares an image, and writes the same caption."""
    config = json.loads((shapes / "model" / "config.json").read_bytes())
    assert (config["model_type"], config["architectures"], config["encoder"]["image_size"]) == (
        "vision-encoder-decoder",
        ["VisionEncoderDecoderModel"],
        SIDE,
    )
    content = draw("green triangle", "blue square", 5, side=SIDE)
    (tmp_path / "a.png").write_bytes(content)
    model = VisionEncoderDecoderModel.from_pretrained(shapes / "model")
    pixels = ViTImageProcessor(size={"height": SIDE, "width": SIDE})(Image.open(tmp_path / "a.png"), return_tensors="pt").pixel_values
    written = model.generate(pixels, max_new_tokens=12, num_beams=1, do_sample=False)
    said = AutoTokenizer.from_pretrained(shapes / "model").decode(written[0], skip_special_tokens=True).strip()
    assert answerer.answer([{"image": base64.b64encode(content).decode()}]) == {"answer": [said]}
    assert said


def test_requests(answerer: Answerer) -> None:
    pictures_of = {kind: draw("red circle", "green square", 7, kind=kind) for kind in ("PNG", "BMP")}
    rows = [{"image": base64.b64encode(content).decode()} for content in pictures_of.values()]
    said = answerer.answer([*rows, {"image": ""}, {}])["answer"]
    assert said[0] == said[1] != ""
    assert said[2:] == ["", ""]
    assert answerer.document(rows[0]).image == square(pictures_of["PNG"], SIDE)
    for value, words in (
        ("no base64!", "column image: no base64"),
        ("AAAA", "column image: no image of a known format"),
        (7, "column image holds 7"),
    ):
        with pytest.raises(BadInput, match=words):
            answerer.document({"image": value})


def test_a_training_starts_from_given_weights(shapes: Path, tmp_path: Path) -> None:
    """An ordinary folder of transformers."""
    given, base, scratch = (tmp_path / name for name in ("given", "base", "scratch"))
    shutil.copytree(shapes / "model", given)
    for name in ("trainshed.json", "history.json"):
        (given / name).unlink()
    ViTImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(given)
    base.mkdir()
    scratch.mkdir()
    assert import_weights(given, base, scratch)["vocabulary"] == 300
    before = finetune(
        job(shapes, tmp_path / "m", Model(context=40)), Finetuning.model_validate({"steps": 2, **PARAMS}), base=base, task=TASK
    )
    assert before.metrics["validation_loss"] < 1.0  # it knows what it learned
    assert load_model(tmp_path / "m").info.context == 40
    other = Captioning(kind="captioning", image_size=48, max_target_tokens=12)
    with pytest.raises(BadInput, match=r"task\.image_size 48 with given weights for images of 32 pixels; expected 32"):
        finetune(job(shapes, tmp_path / "n", Model(context=40)), Finetuning.model_validate({"steps": 2, **PARAMS}), base=base, task=other)


def test_given_weights_that_expect_other_pixels_are_refused(shapes: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    shutil.copytree(shapes / "model", given)
    ViTImageProcessor(image_mean=[0.485, 0.456, 0.406]).save_pretrained(given)
    (tmp_path / "base").mkdir()
    with pytest.raises(BadInput, match=r"preprocessor_config\.json has image_mean \[0\.485.*expected 0\.5: pixels from -1 to 1"):
        import_weights(given, tmp_path / "base", tmp_path)


def test_the_nearest_image_is_found_by_its_pixels(shapes: Path) -> None:
    known = read_pairs(shapes / "corpus", "train")
    answers = [one.target for one in known]
    assert [found.answer for found in NEAREST_IMAGE.predict(Known(known, answers), known[:30])] == answers[:30]
    asked = read_pairs(shapes / "corpus", "test")
    found = [one.answer for one in NEAREST_IMAGE.predict(Known(known, answers), asked)]
    assert share_of_words(found, [one.target for one in asked]) > 0.7


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data.source.kind": "jsonl"}, "task.kind 'captioning' needs an image; expected kind images, or the field that holds it"),
        (
            {"data.source.kind": "csv", "data.source.columns.image": "file"},
            "columns.image with kind 'csv'; expected kind images, parquet, arrow, hub",
        ),
        ({"model": {"family": "gpt2"}}, "task 'captioning' with model.family 'gpt2', a decoder; expected a model from images to text"),
        ({"model.config": {"encoder": {"hidden_sise": 8}}}, "'encoder.hidden_sise'.*did you mean 'encoder.hidden_size'"),
        ({"model.config": {"decoder": 8}}, r"unknown model\.config.* 'decoder\.8'"),
        ({"model.config": {"encoder": {"image_size": 64}}}, r"unknown model\.config.* 'encoder\.image_size'"),
        ({"task.max_target_tokens": 100}, "model.context 64 is too short"),
        ({"data.deduplication": {"lines": 2}}, "deduplication"),
        (
            {"task": {"kind": "summarization"}, "model": {"family": "gpt2", "context": 256}, "data.source.columns.target": "text"},
            "data.source has kind 'images', which nothing reads; expected a task that reads images",
        ),
        ({"data.test_source": {"kind": "jsonl", "path": "a.jsonl"}}, "data.test_source|needs an image"),
        (
            {"data.decontamination": {"against": [{"name": "a", "source": {"kind": "images", "path": "a"}}]}},
            "kind 'images', which nothing reads",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_read(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words):
        replace_fields(task_recipe("captioning", tmp_path, "a"), changes, "a test")


def test_patches_that_do_not_fit_are_refused(shapes: Path, tmp_path: Path) -> None:
    config = {"encoder": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 5}}
    model = Model(family="vision-encoder-decoder", config=config, context=40)
    with pytest.raises(BadInput, match=r"task\.image_size 32; expected a multiple of the patches' 5 pixels"):
        finetune(job(shapes, tmp_path / "m", model), Finetuning.model_validate({"steps": 2, **PARAMS}), task=TASK)
