"""Saved folders in an environment without this project: transformers' own classes and tokenizer give the same answers."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.foreign import foreign_environment

from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ["Opens the file.", "Close the socket of the request, without waiting.", "naïve café", "Count the tokens in the cache."]
ROUNDING = 5e-7
CLASSES = ("carts", "files", "locks")

CLASSIFY = """
import json, sys, torch, transformers
try:
    import pipeline
    raise SystemExit("this environment has the project")
except ImportError:
    pass
folder, texts = sys.argv[1], json.loads(sys.argv[2])
model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
given = tokenizer(texts, padding=True, return_tensors="pt")
given.pop("token_type_ids", None)
with torch.no_grad():
    chances = model(**given).logits.softmax(-1)
names = [model.config.id2label[number] for number in range(model.config.num_labels)]
print(json.dumps([dict(zip(names, row)) for row in chances.tolist()]))
"""


def bare(python: Path, script: str, folder: Path, *arguments: Any) -> Any:
    """What a script prints as JSON where this project cannot be imported."""
    command = [str(python), "-c", script, str(folder), *map(json.dumps, arguments)]
    done = subprocess.run(command, cwd=folder.parent, env=foreign_environment(python), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("family", "pooling", "same"),
    [
        ("modernbert", "mean", True),
        ("bert", "first", True),
        ("bert", "mean", False),
        *(
            pytest.param(family, pooling, True, marks=pytest.mark.prove)
            for family, pooling in (
                ("eurobert", "mean"),
                ("modernbert", "first"),
                ("roberta", "first"),
                ("llama", "mean"),
                ("bart", "mean"),
            )
        ),
    ],
)
def test_a_classifier(family: str, pooling: str, same: bool, make_model, foreign_python: Path) -> None:
    """Where the family cannot take the mean, the folder lacks transformers' head: the bare class gives something else."""
    encoder = family in {"bert", "modernbert", "eurobert", "roberta"}
    spec = HeadSpec(Head.SEQUENCE_CLASSIFICATION, CLASSES, "single_label_classification", mean_pooling=pooling == "mean" and encoder)
    folder = make_model(family, sharp=4.0, task={"kind": "classification", "max_tokens": 40, "pooling": pooling}, head=spec)
    ours = Answerer.load(folder).answer([{"text": text} for text in TEXTS])["scores"]
    found = bare(foreign_python, CLASSIFY, folder, TEXTS)
    numbers = [row["files"] for row in ours]
    assert max(numbers) - min(numbers) > 100 * ROUNDING, "the answers do not differ enough to be compared"
    agree = [mine == pytest.approx(theirs, abs=ROUNDING) for mine, theirs in zip(ours, found, strict=True)]
    assert agree == [same] * len(TEXTS)


TAG = """
import json, sys, torch, transformers
try:
    import pipeline
    raise SystemExit("this environment has the project")
except ImportError:
    pass
model = transformers.AutoModelForTokenClassification.from_pretrained(sys.argv[1]).eval()
with torch.no_grad():
    print(json.dumps([model(torch.tensor(json.loads(sys.argv[2]))).logits.tolist(), model.config.id2label[0]]))
"""


def test_a_model_that_tags(make_model, foreign_python: Path) -> None:
    import torch

    from pipeline.models.files import load_model

    spec = HeadSpec(Head.TOKEN_CLASSIFICATION, ("B-X", "I-X", "O"))
    folder = make_model("bert", task={"kind": "tagging", "max_tokens": 40}, head=spec)
    ids = [[2, 20, 30, 40, 3]]
    with torch.no_grad():
        ours = load_model(folder).model.core(torch.tensor(ids)).logits
    logits, first = bare(foreign_python, TAG, folder, ids)
    torch.testing.assert_close(torch.tensor(logits), ours, rtol=1e-5, atol=1e-5)
    assert first == "B-X"


LOGITS = """
import json, sys, torch, transformers
try:
    import pipeline
    raise SystemExit("this environment has the project")
except ImportError:
    pass
folder, ids, name, way = sys.argv[1], *(json.loads(part) for part in sys.argv[2:])
auto = getattr(transformers, name)
if way == "peft":
    from peft import PeftModel
    model = PeftModel.from_pretrained(auto.from_pretrained(folder + "/base"), folder).eval()
else:
    model = auto.from_pretrained(folder).eval()
given = {"input_ids": torch.tensor(ids)}
if model.config.is_encoder_decoder:
    given["decoder_input_ids"] = given["input_ids"]
with torch.no_grad():
    logits = model(**given).logits
written = model.generate(input_ids=given["input_ids"], max_new_tokens=6, do_sample=False)
print(json.dumps([logits.tolist(), written.tolist()]))
"""


@pytest.mark.parametrize(
    ("family", "auto", "kept"),
    [
        ("llama", "AutoModelForCausalLM", False),
        ("t5", "AutoModelForSeq2SeqLM", True),
        pytest.param("gpt2", "AutoModelForCausalLM", False, marks=pytest.mark.prove),
        pytest.param("gpt2", "AutoModelForCausalLM", True, marks=pytest.mark.prove),
        pytest.param("llama", "AutoModelForCausalLM", True, marks=pytest.mark.prove),
        pytest.param("t5", "AutoModelForSeq2SeqLM", False, marks=pytest.mark.prove),
    ],
)
def test_a_model_that_writes(
    family: str, auto: str, kept: bool, make_model, foreign_python: Path, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    """Merged, and as an adapter beside its base, opened by transformers or by peft."""
    import torch

    from pipeline.models.files import load_model, save_model
    from pipeline.recipe.training import Finetuning, Lora
    from pipeline.training.trainable import choose_trainable

    folder = make_model(family)
    loaded = load_model(folder)
    if kept:
        choose_trainable(loaded.model, Finetuning(steps=1, lora=Lora(rank=2)))
        with torch.no_grad():
            for name, weight in loaded.model.named_weights().items():
                if "lora_B" in name:
                    # small: the rounding of large logits would pass the tolerance
                    torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(len(name)))
        save_model(loaded.model, tmp_path / "kept", loaded.info, tokenizer=tiny_tokenizer, base=folder)
        folder = tmp_path / "kept"
    ids = [[20, 30, 40, 50, 60]]
    given = torch.tensor(ids)
    again = load_model(folder).model.core
    with torch.no_grad():
        ours = again(given, **({"decoder_input_ids": given} if again.config.is_encoder_decoder else {})).logits
    written = again.generate(given, max_new_tokens=6, do_sample=False).tolist()
    for way in ("auto", "peft") if kept else ("auto",):
        logits, said = bare(foreign_python, LOGITS, folder, ids, auto, way)
        torch.testing.assert_close(torch.tensor(logits), ours, rtol=1e-5, atol=1e-5)
        assert said == written
