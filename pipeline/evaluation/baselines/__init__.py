"""Baselines: answers without a model. Every report shows the model next to those that its task names.

They learn from a sample of the training documents, so that memory does not grow with the corpus.
"""

from pipeline.lookup import Table

BASELINES = Table(
    "baseline",
    "trainshed.baselines",
    {
        "copy_source": "pipeline.evaluation.baselines.copy_source:COPY_SOURCE",
        "frequent_tag": "pipeline.evaluation.baselines.frequent_tag:FREQUENT_TAG",
        "gzip": "pipeline.evaluation.baselines.compression:GZIP",
        "lead": "pipeline.evaluation.baselines.lead:LEAD",
        "majority": "pipeline.evaluation.baselines.majority:MAJORITY",
        "mean_number": "pipeline.evaluation.baselines.mean_number:MEAN_NUMBER",
        "most_frequent": "pipeline.evaluation.baselines.most_frequent:MOST_FREQUENT",
        "name_template": "pipeline.evaluation.baselines.name_template:NAME_TEMPLATE",
        "nearest_image": "pipeline.evaluation.baselines.nearest_image:NEAREST_IMAGE",
        "nearest_neighbour": "pipeline.evaluation.baselines.nearest_neighbour:NEAREST_NEIGHBOUR",
        "tfidf_logistic": "pipeline.evaluation.baselines.tfidf_logistic:TFIDF_LOGISTIC",
        "tfidf_retrieval": "pipeline.evaluation.baselines.tfidf_retrieval:TFIDF_RETRIEVAL",
    },
)
