"""Training: one compact loop on plain PyTorch, for pretraining and fine-tuning alike.

The loop (`loop.train`) knows neither data nor model. A *feed*, built from an objective (text without labels) or a task (examples),
gives the batch of each step and the loss on it; an optimizer updates the weights. Everything random is a pure function of seed and step, so a run that was
killed and resumed ends with the same bits as an undisturbed one.

============================ ====================================================================
`pretrain`, `finetune`       the two ways to train, from a token folder to a model folder
`job`, `result`              what both take, and what both return
`loop`                       step, validation, checkpoint
`learning_rate_schedule`     the learning rate of a step
`early_stopping`             when to stop
`optimizers`, `gradients`    how the weights are updated; clipping and the L1 penalty
`master_weights`             fp32 weights of a model that computes in bf16
`batch_order`, `packing`     which examples a step trains on, and how they fill rows
`objectives`                 from text without labels to batches
`start`, `trainable`         the model to start from, and which of its weights are trained
`checkpoint`                 the state of a run as files
`process_group`              several processes that train one model
`device`                     device, threads, attention kernel, precision
============================ ====================================================================
"""

from pipeline.lookup import Table

OBJECTIVES = Table(
    "objective",
    "trainshed.objectives",
    {
        "span_corruption": "pipeline.training.objectives.span_corruption:SpanCorruption",
        "causal_lm": "pipeline.training.objectives.causal_lm:CausalLm",
        "masked_lm": "pipeline.training.objectives.masked_lm:MaskedLm",
    },
)

OPTIMIZERS = Table(
    "optimizer",
    "trainshed.optimizers",
    {
        "muon": "pipeline.training.optimizers.muon:Muon",
        "adamw": "pipeline.training.optimizers.adamw:AdamW",
    },
)
