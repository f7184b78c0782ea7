"""`trainshed new` and `trainshed recipes check`."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from fixtures.families import CONFIGS, IMAGES
from fixtures.scratch_checkout import HOME
from fixtures.shipped import RECIPES

from pipeline import cli
from pipeline.errors import BadInput
from pipeline.families.families import families
from pipeline.recipe import Finetuning, Pretraining, read_recipe
from pipeline.recipe.template import new_recipe
from pipeline.tasks import TASKS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that new recipes go to."""
    monkeypatch.setenv("TRAINSHED_HOME", str(tmp_path))
    (tmp_path / "infra").mkdir()
    shutil.copy(HOME / "infra" / "machines.yaml", tmp_path / "infra")
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))
    return tmp_path / "dags" / "recipes"


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("start", [None, "models/base"])
def test_the_recipe_of_each_task_is_valid(kind, start, folder, capsys):
    assert cli.run(["new", "mine", "--task", kind, *(["--start", start] if start else [])]) == 0
    recipe = read_recipe(folder / "mine.yaml")
    assert (recipe.task.kind, recipe.model.start) == (kind, start)
    assert (recipe.finetuning is not None) == recipe.task.finetuned
    without = recipe.task.reads_images or (start is not None and recipe.task.finetuned)
    assert (recipe.pretraining is None) == without
    assert capsys.readouterr().out.startswith(f"wrote {folder}/mine.yaml\n")
    assert cli.run(["recipes", "check"]) == 0
    assert capsys.readouterr().out == "mine: ok\n"


@pytest.mark.parametrize("kind", TASKS)
def test_every_field_of_the_task_and_of_its_last_training_is_shown_with_its_docstring(kind, folder):
    text = new_recipe("mine", kind)
    section = TASKS.load(kind)
    training = Finetuning if yaml.safe_load(text).get("finetuning") else Pretraining
    for field, info in (*section.model_fields.items(), *training.model_fields.items()):
        assert re.search(rf"^ +#?{field}:", text, re.MULTILINE), field
        if info.description:
            assert info.description.replace("`", "").split()[0] in text
    folder.mkdir(parents=True)
    # without the marks of comments every field has the value that it had
    plain = re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE)
    plain = re.sub(r"^( +)#  (?=[a-z_]+: )", r"\1  ", plain, flags=re.MULTILINE)
    (folder / "mine.yaml").write_text(re.sub(r"\n  lora:\n((    |  #  ).*\n)+", "\n", plain))
    (folder / "other.yaml").write_text(text.replace("name: mine", "name: other"))
    shown, left_out = read_recipe(folder / "mine.yaml"), read_recipe(folder / "other.yaml")
    assert shown == left_out.model_copy(update={"name": "mine"})


@pytest.mark.parametrize("family", [*CONFIGS, *IMAGES])
def test_a_family_gets_sizes_that_build_a_small_model(family):
    from fixtures.families import tiny_vocabulary

    from pipeline.families.kinds import LANGUAGE_HEAD, Kind
    from pipeline.models.architecture import Architecture
    from pipeline.models.build import HeadSpec, new_model

    kind = families()[family].kind
    task = {Kind.ENCODER: "classification", Kind.STATIC: "embedding", Kind.IMAGE_TO_TEXT: "captioning"}.get(kind, "summarization")
    data = yaml.safe_load(new_recipe("mine", task, family))
    architecture = Architecture(family, data["model"]["context"], data["model"]["config"])
    model = new_model(architecture, tiny_vocabulary(400), HeadSpec(LANGUAGE_HEAD[kind]), 0.1, 0)
    assert 100_000 < sum(weight.numel() for weight in model.parameters()) < 2_000_000


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--task", "sumarization"], "unknown task 'sumarization'; expected one of: "),
        (["--task", "classification", "--family", "brt"], "did you mean 'bert'?"),
        (["--task", "summarization", "--family", "bert"], "an encoder; expected a decoder or an encoder-decoder"),
        (["--task", "summarization", "--family", "t5", "--start", "x"], "both a family and a start"),
    ],
)
def test_a_mistake_writes_nothing(typed, says, folder, capsys):
    assert cli.run(["new", "mine", *typed]) == 2
    assert says in capsys.readouterr().err
    assert not folder.exists()


def test_a_name_that_is_taken_or_wrong_is_refused(folder, capsys):
    assert cli.run(["new", "mine", "--task", "summarization"]) == 0
    before = (folder / "mine.yaml").read_text()
    assert cli.run(["new", "mine", "--task", "classification"]) == 2
    assert f"recipe mine exists: {folder}/mine.yaml; fix: choose another name" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == before
    assert cli.run(["new", "../mine", "--task", "summarization"]) == 2
    assert "name = '../mine'" in capsys.readouterr().err


def test_each_bad_recipe_is_one_line_and_code_2(folder, capsys):
    assert cli.run(["new", "good", "--task", "summarization"]) == 0
    text = (folder / "good.yaml").read_text()
    (folder / "key.yaml").write_text(text.replace("name: good", "name: key").replace("  steps:", "  stps:"))
    (folder / "broken.yaml").write_text("name: [\n")
    capsys.readouterr()
    assert cli.run(["recipes", "check"]) == 2
    out, err = capsys.readouterr()
    assert out == "good: ok\n"
    assert [line.split(":")[0] for line in err.splitlines()] == ["broken", "key"]
    assert "did you mean" in err.splitlines()[1]


def test_no_recipe_at_all_is_a_mistake(folder, capsys):
    assert cli.run(["recipes", "check"]) == 2
    assert "no recipe in" in capsys.readouterr().err


def test_the_recipes_of_the_project_are_valid_and_checked_without_torch():
    code = "import sys; from pipeline import cli; code = cli.run(['recipes', 'check']); print(code, {'torch', 'airflow', 'transformers'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert {f"{name}: ok" for name in RECIPES} <= {*said}
    assert said[-1] == "0 set()"


def test_a_required_field_without_an_example_would_be_seen():
    for kind in TASKS:
        section = TASKS.load(kind)
        required = {field for field, info in section.model_fields.items() if info.is_required() and field != "kind"}
        assert all(section.model_fields[field].examples for field in required)
    with pytest.raises(BadInput, match="unknown task"):
        new_recipe("mine", "nothing")
