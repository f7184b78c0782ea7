"""Baselines: summaries written without a model. Every report shows the model next to all of them."""

BASELINES = {
    "lead": "pipeline.evaluation.baselines.lead:lead",
    "most_frequent": "pipeline.evaluation.baselines.most_frequent:most_frequent",
    "name_template": "pipeline.evaluation.baselines.name_template:name_template",
    "nearest_neighbour": "pipeline.evaluation.baselines.nearest_neighbour:nearest_neighbour",
}
