"""The stages of the line, one folder each: a contract that imports light and a body run with ``python -m``."""

from pipeline.lookup import Table

COMPONENTS = Table(
    "component",
    None,
    {
        "text_sample": "components.text_sample.contract:contract",
        "quality": "components.quality.contract:contract",
        "cleaning": "components.cleaning.contract:contract",
        "test_set": "components.test_set.contract:contract",
        "ingestion": "components.ingestion.contract:contract",
        "data_check": "components.data_check.contract:contract",
        "model_import": "components.model_import.contract:contract",
        "tokenizer": "components.tokenizer.contract:contract",
        "encoding": "components.encoding.contract:contract",
        "tokenization": "components.tokenization.contract:contract",
        "pretraining": "components.pretraining.contract:contract",
        "finetuning": "components.finetuning.contract:contract",
        "evaluation": "components.evaluation.contract:contract",
        "registration": "components.registration.contract:contract",
        "promotion": "components.promotion.contract:contract",
    },
)
