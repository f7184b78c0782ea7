"""Model families: shapes, batches, weights on disk, generation and likelihood.

A family wraps transformers' own configuration and model classes behind one small interface (`base.TextModel`), so that the
training loop, evaluation and serving never ask which family they hold. A registered model ships this package into environments
without the rest of the project. It therefore imports only `pipeline.errors` and `pipeline.lookup`.
"""

from pipeline.lookup import Table

FAMILIES = Table(
    "model family",
    "trainshed.families",
    {
        "t5": "pipeline.models.t5:EncoderDecoder",
        "gpt2": "pipeline.models.gpt2:Decoder",
    },
)
