"""Tasks: what a model is for. A task owns everything that differs between jobs; every other room is handed the task.

A folder for each kind, with one file for each part:

============ =============================================================================================================
section      its section of the recipe: limits, labels, prompts (light: pydantic only), and the table of its other parts
examples     record → document; what decides the split; what may not straddle training and test
encode       document → token sequences
model        which head on which kind of model; batches and losses; predictions
scoring      which metrics score it, which of them is the primary one, and which baselines are shown beside the model
serving      the signature: rows of a request → documents, predictions → rows of the answer
============ =============================================================================================================

A new kind is a folder and a line in `TASKS`. A package of one's own adds it through an entry point of the group
``trainshed.tasks``.
"""

from pipeline.lookup import Table

TASKS = Table(
    "task",
    "trainshed.tasks",
    {
        "summarization": "pipeline.tasks.summarization.section:Summarization",
        "captioning": "pipeline.tasks.captioning.section:Captioning",
        "chat": "pipeline.tasks.chat.section:Chat",
        "classification": "pipeline.tasks.classification.section:Classification",
        "embedding": "pipeline.tasks.embedding.section:Embedding",
        "language_model": "pipeline.tasks.language_model.section:LanguageModel",
        "tagging": "pipeline.tasks.tagging.section:Tagging",
        "translation": "pipeline.tasks.translation.section:Translation",
    },
)
