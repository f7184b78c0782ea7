"""One file = one model to keep fresh: data, tokenizer, model, training, evaluation, gate, schedule.

A recipe is YAML checked by pydantic: reviewed in git, with one schema for the file, the editor, the command line and
Airflow's trigger form. It never says where things run; `pipeline.settings` does.
"""

from pipeline.recipe.data import Columns, Data, Filter, Source, Split
from pipeline.recipe.evaluation import Evaluation
from pipeline.recipe.files import find_recipe, read_recipe, recipe_files
from pipeline.recipe.gate import Gate, Registration
from pipeline.recipe.model import Model
from pipeline.recipe.monitor import Monitor
from pipeline.recipe.notify import Event, Notify
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.resources import Resources
from pipeline.recipe.schedule import Schedule
from pipeline.recipe.task import Task
from pipeline.recipe.tokenizer import Tokenizer
from pipeline.recipe.training import Finetuning, Pretraining, Training
from pipeline.section import Section

__all__ = [
    "Columns",
    "Data",
    "Evaluation",
    "Event",
    "Filter",
    "Finetuning",
    "Gate",
    "Model",
    "Monitor",
    "Notify",
    "Pretraining",
    "Recipe",
    "Registration",
    "Resources",
    "Schedule",
    "Section",
    "Source",
    "Split",
    "Task",
    "Tokenizer",
    "Training",
    "find_recipe",
    "read_recipe",
    "recipe_files",
]
