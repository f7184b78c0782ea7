"""Training: one compact loop on plain PyTorch, for pretraining and fine-tuning alike.

The loop (`loop.train`) knows neither data nor model. A *feed*, built from an objective (text without labels) or a task (examples),
gives the batch of each step and the loss on it; an optimizer updates the weights. Everything random is a pure function of seed and
step, so a run that was killed and resumed ends with the same bits as an undisturbed one.

============================ ====================================================================
`pretrain`, `finetune`       the two ways to train, from a token folder to a model folder
`job`, `result`              what both take, and what both return
`loop`                       step, validation, checkpoint
`learning_rate_schedule`     the learning rate of a step
`early_stopping`             when to stop
`optimizers`, `gradients`    how the weights are updated; clipping and the L1 penalty
`master_weights`             fp32 weights of a model that computes in bf16
`length_batches`             which texts a step trains on, of similar length; `batch_order` draws them
`packed_rows`                the same for rows of several texts; `packing` fills them
`example_feed`, `cut_texts`  a task's examples; texts cut to the context
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
        "prefix_lm": "pipeline.training.objectives.prefix_lm:PrefixLm",
        "causal_lm": "pipeline.training.objectives.causal_lm:CausalLm",
        "masked_lm": "pipeline.training.objectives.masked_lm:MaskedLm",
        "skip_gram": "pipeline.training.objectives.skip_gram:SkipGram",
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
