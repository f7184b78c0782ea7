"""Launcher ``trainjob``: steps that train are TrainJobs of Kubeflow Trainer v2, all others are pods.

`render` says what the TrainJob is, built with the models the Trainer publishes; `jobs` speaks to the API server about it;
`operator` sees it to its end with the same loop that follows pods.
"""
