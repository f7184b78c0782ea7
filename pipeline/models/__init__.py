"""Models: transformers' own classes, built from a configuration or from weights, on disk, in batches, generating text.

No other room asks which family it holds. A family is a ``model_type`` of transformers with its configuration, or one of
`FAMILIES`, which are subclasses with something of their own. What differs between families is asked of the *kind* of model: see
`pipeline.families`.

=================== ====================================================================================
`architecture`      the recipe's ``model`` section → transformers' configuration
`build`             new models, with weights that depend on the seed alone; new heads on given weights
`text_model`        one model as training and serving hold it
`info`, `files`     a model as a folder
`batch`, `collate`  token ids → tensors, padded or packed
`attention`         the mask of packed rows; the probe that proves that it isolates documents
`losses`            loss of each label; `likelihood` of given answers
`generate`          writing answers
`copying`           the copy head
`word_vectors`      static word vectors
`image_to_text`     models that read images; `caption`: what they write
=================== ====================================================================================
"""

from pipeline.lookup import Table

FAMILIES = Table(
    "model family",
    "trainshed.families",
    {
        "vision-encoder-decoder": "pipeline.models.image_to_text:ImageToText",
        "t5_copy": "pipeline.models.copying.t5:T5Copy",
        "word_vectors": "pipeline.models.word_vectors:WordVectors",
    },
)
"""Families beside those of transformers. Each entry is a model class whose ``config_class`` names its ``model_type``.

A class that is neither a decoder nor an encoder-decoder says its ``kind``. One that has other classes for other heads lists all by head
in ``classes``. One whose configuration has parts makes new ones by ``new_config``, and lists what a recipe may say in ``fields``.
"""
