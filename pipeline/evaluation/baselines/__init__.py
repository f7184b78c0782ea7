"""What can be had without a model: cheap ways to write a summary that every model is shown beside, whatever they say."""

BASELINES = {
    "lead": "pipeline.evaluation.baselines.lead:lead",
    "most_frequent": "pipeline.evaluation.baselines.most_frequent:most_frequent",
    "name_template": "pipeline.evaluation.baselines.name_template:name_template",
    "nearest_neighbour": "pipeline.evaluation.baselines.nearest_neighbour:nearest_neighbour",
}
