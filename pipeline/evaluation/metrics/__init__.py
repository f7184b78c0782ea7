"""Metrics: how good one output is, compared with its reference. Each report has all of them, in this order."""

METRICS = {
    "rouge1": "pipeline.evaluation.metrics.rouge:rouge1",
    "rouge2": "pipeline.evaluation.metrics.rouge:rouge2",
    "rougeL": "pipeline.evaluation.metrics.rouge:rouge_l",
}
