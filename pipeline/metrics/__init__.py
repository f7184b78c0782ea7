"""Metrics: how good answers are, compared with references. Evaluation writes their statistics; evaluation and the gate both read them.

A metric has two pure functions. `statistics` turns each example into a row of numbers; this needs the metric's library. `value`
turns the *sum* of such rows into the score. So a score of any set of examples, a resample included, costs one matrix product, and
the gate computes scores from a report without the texts. A mean is the special case of rows (value, 1).
"""

from pipeline.lookup import Table

METRICS = Table(
    "metric",
    "trainshed.metrics",
    {
        "accuracy": "pipeline.metrics.labels:ACCURACY",
        "accuracy_at_1": "pipeline.metrics.retrieval:ACCURACY_AT_1",
        "bits_per_byte": "pipeline.metrics.likelihood:BITS_PER_BYTE",
        "bleu": "pipeline.metrics.translation:BLEU",
        "calibration_error": "pipeline.metrics.calibration:CALIBRATION_ERROR",
        "chrf": "pipeline.metrics.translation:CHRF",
        "exact_match": "pipeline.metrics.exact_match:EXACT_MATCH",
        "f1_macro": "pipeline.metrics.labels:F1_MACRO",
        "f1_micro": "pipeline.metrics.labels:F1_MICRO",
        "loss": "pipeline.metrics.likelihood:LOSS",
        "mae": "pipeline.metrics.numbers:MAE",
        "mcc": "pipeline.metrics.labels:MCC",
        "mrr": "pipeline.metrics.retrieval:MRR",
        "pearson": "pipeline.metrics.numbers:PEARSON",
        "perplexity": "pipeline.metrics.likelihood:PERPLEXITY",
        "rmse": "pipeline.metrics.numbers:RMSE",
        "rouge1": "pipeline.metrics.rouge:ROUGE_1",
        "rouge2": "pipeline.metrics.rouge:ROUGE_2",
        "rougeL": "pipeline.metrics.rouge:ROUGE_L",
        "spearman": "pipeline.metrics.numbers:SPEARMAN",
        "span_f1": "pipeline.metrics.spans:SPAN_F1",
        "token_accuracy": "pipeline.metrics.token_accuracy:TOKEN_ACCURACY",
    },
)
