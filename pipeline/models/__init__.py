"""Model families: shapes, weights on disk, and answering.

A family wraps transformers' own configuration and model classes behind one small interface (`base.TextModel`), so that the
training loop, evaluation and serving never ask which family they hold. Everything here also ships with a registered model
into environments without the rest of the project: it imports nothing of ours but `pipeline.errors` and `pipeline.lookup`.
"""

FAMILIES = {
    "t5": "pipeline.models.t5:EncoderDecoder",
    "gpt2": "pipeline.models.gpt2:Decoder",
}
