"""From fetched files to an ordinary folder: the same model as transformers loads, and every bad input refused in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from fixtures.families import CONFIGS
from fixtures.starts import HEADS, pretrained_folder
from safetensors.torch import load_file, save_file

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@torch.no_grad()
def outputs(folder: Path, head: str = "AutoModel", text: str = "Remove the file from disk.") -> torch.Tensor:
    """What transformers' own model and tokenizer give for a text."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, head).from_pretrained(folder).eval()
    given = dict(tokenizer(text, return_tensors="pt"))
    given.pop("token_type_ids", None)
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = given["input_ids"]
    return model(**given)[0]


@pytest.mark.parametrize("family", HEADS)
def test_the_folder_is_the_model_that_transformers_loads(family: str, tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", family)
    folder, counts = imported(base)
    assert torch.equal(outputs(folder, HEADS[family]), outputs(base, HEADS[family]))
    assert counts["vocabulary"] <= counts["embeddings"]
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}


def test_shards_and_their_index_stay(tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "llama", shard="20KB")
    folder, _ = imported(base)
    assert len(list(folder.glob("model-0000*.safetensors"))) > 1
    assert torch.equal(outputs(folder), outputs(base))


def test_an_encoder_without_a_language_head_and_half_precision_are_taken_as_they_are(tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "bert", head="AutoModel")
    weights = {name: weight.half() for name, weight in load_file(base / "model.safetensors").items()}
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    folder, counts = imported(base)
    assert counts["parameters"] == sum(weight.numel() for weight in weights.values())
    assert {weight.dtype for weight in load_file(folder / "model.safetensors").values()} == {torch.float16}


def test_only_the_model_is_kept(tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "llama")
    (base / "modeling_own.py").write_text("raise SystemExit")
    (base / "pytorch_model.bin").write_bytes(b"pickle")
    folder, _ = imported(base)
    assert sorted(path.name for path in folder.iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_a_vocabulary_without_its_fast_form_is_converted(tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "bert")
    words = json.loads((base / "tokenizer.json").read_text())["model"]["vocab"]
    (base / "vocab.txt").write_text("".join(f"{word}\n" for word in sorted(words, key=words.get)))
    (base / "tokenizer.json").unlink()
    (base / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    folder, _ = imported(base)
    ids = transformers.AutoTokenizer.from_pretrained(folder)("Remove the file.")["input_ids"]
    assert [ids[0], ids[-1]] == [words["[CLS]"], words["[SEP]"]]


def config(**fields: Any) -> Callable[[Path], None]:
    return lambda base: (base / "config.json").write_text(json.dumps({**json.loads((base / "config.json").read_text()), **fields}))


def cut(name: str) -> Callable[[Path], None]:
    return lambda base: (base / name).write_bytes((base / name).read_bytes()[:-100])


def drop(*names: str) -> Callable[[Path], Any]:
    return lambda base: [(base / name).unlink() for name in names]


def without(weight: str) -> Callable[[Path], None]:
    def change(base: Path) -> None:
        weights = load_file(base / "model.safetensors")
        del weights[weight]
        save_file(weights, base / "model.safetensors", {"format": "pt"})

    return change


def slow_tokenizer(base: Path) -> None:
    """Marian's own: it has no fast form."""
    (base / "tokenizer.json").unlink()
    (base / "vocab.json").write_text('{"a": 0}')
    (base / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "MarianTokenizer"}))


def longer_tokenizer(base: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["shopkeeper", "checkout"])
    tokenizer.save_pretrained(base)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (config(model_type="lama"), r"unknown model_type in config\.json: 'lama'; .*'llama'"),
        (config(auto_map={"AutoModel": "modeling_own.Own"}), r"config\.json has auto_map: the model needs code of its own"),
        (config(quantization_config={"load_in_4bit": True}), r"quantised weights cannot be trained"),
        (config(hidden_size=24), r"the weights of llama cannot be loaded"),
        (cut("config.json"), r"config\.json cannot be read"),
        (cut("model.safetensors"), r"model\.safetensors is cut or damaged: .*; expected a complete safetensors file"),
        (cut("tokenizer.json"), r"the tokenizer of model\.start cannot be read"),
        (drop("model.safetensors"), r"no model\.safetensors beside config\.json"),
        (drop("tokenizer.json"), r"model\.start has no tokenizer\.json; expected a tokenizer beside the weights"),
        (without("model.layers.0.mlp.up_proj.weight"), r"1 weights of llama are missing, e\.g\. model\.layers\.0\.mlp\.up_proj\.weight"),
        (slow_tokenizer, r"model\.start has no tokenizer\.json, and its vocabulary cannot be converted: MarianTokenizer requires"),
        (longer_tokenizer, r"a base model with 360 embeddings and a tokenizer of 362 tokens"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_in_one_line(damage: Any, words: str, tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "llama")
    damage(base)
    with pytest.raises(BadInput, match=words) as caught:
        imported(base)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "words"), [("cut", "cut or damaged"), ("gone", r"shard model-00001-of-0000\d\.safetensors .* is missing")]
)
def test_shards_that_are_cut_or_missing_are_refused(damage: str, words: str, tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "llama", shard="20KB")
    first = min(base.glob("model-*.safetensors"))
    first.write_bytes(first.read_bytes()[:-100]) if damage == "cut" else first.unlink()
    with pytest.raises(BadInput, match=words):
        imported(base)


def test_an_index_cannot_name_a_file_outside_the_folder(tmp_path: Path, imported: Callable[..., Any]) -> None:
    base = pretrained_folder(tmp_path / "base", "llama", shard="20KB")
    index = base / "model.safetensors.index.json"
    told = json.loads(index.read_text())
    told["weight_map"] = dict.fromkeys(told["weight_map"], "../../secret.safetensors")
    index.write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"shard \.\./\.\./secret\.safetensors .* is missing"):
        imported(base)


def test_a_classifier_starts_from_each_head(tmp_path: Path) -> None:
    """A head for the same classes is kept; one for others, even as many, is new and decided by the seed."""
    from pipeline.families.kinds import Head
    from pipeline.models.build import HeadSpec
    from pipeline.models.files import load_base

    names = {0: "bad", 1: "good"}
    base = pretrained_folder(
        tmp_path / "base", "bert", head="AutoModelForSequenceClassification", id2label=names, label2id={"bad": 0, "good": 1}
    )
    told = load_file(base / "model.safetensors")["classifier.weight"]

    def head(*labels: str, seed: int = 0) -> torch.Tensor:
        spec = HeadSpec(Head.SEQUENCE_CLASSIFICATION, labels, "single_label_classification")
        return load_base(base, spec, 0.0, seed).core.classifier.weight.detach()

    assert torch.equal(head("bad", "good"), told)
    for labels in (("good", "bad"), ("ham", "spam"), ("a", "b", "c")):
        assert head(*labels).shape == (len(labels), CONFIGS["bert"]["hidden_size"])
        assert not torch.equal(head(*labels)[:2], told)
        assert torch.equal(head(*labels), head(*labels))
        assert not torch.equal(head(*labels), head(*labels, seed=1))
