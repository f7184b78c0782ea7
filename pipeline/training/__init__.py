"""Training: one compact loop on plain PyTorch, for pretraining and fine-tuning alike.

The loop (`loop.train`) knows neither data nor model: a *feed* hands it the batch of each step, made by an objective (text
without labels) or a task (pairs), an optimizer moves the weights. Everything random is a pure function of seed and step,
so a run that was killed and resumed ends with the same bits as one that was not.
"""

OBJECTIVES = {
    "span_corruption": "pipeline.training.objectives.span_corruption:SpanCorruption",
    "causal_lm": "pipeline.training.objectives.causal_lm:CausalLm",
}

TASKS = {
    "summarization": "pipeline.training.tasks.summarization:Summarization",
}

OPTIMIZERS = {
    "muon": "pipeline.training.optimizers.muon:Muon",
    "adamw": "pipeline.training.optimizers.adamw:AdamW",
}
