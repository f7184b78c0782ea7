"""Launcher ``trainjob``: steps that train are TrainJobs of Kubeflow Trainer v2, all others are pods.

`render` builds the TrainJob without side effects, with the models that the Trainer publishes; `jobs` reads and changes TrainJobs through
the API server; `operator` follows them to their end by the same loop that follows pods.
"""
