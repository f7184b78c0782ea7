"""Where a component runs. The setting ``launcher`` chooses; the DAG stays the same.

A launcher is an operator class: `pipeline.orchestration.component.ComponentMixin` over an operator that knows how to start,
follow and stop something, plus one method `launch`; see `base`. Providers keep the hard parts: a ``docker`` launcher mixes into
their ``DockerOperator``, a ``kubernetes`` launcher into their ``KubernetesPodOperator``.
"""

LAUNCHERS = {
    "docker": "pipeline.orchestration.launchers.docker:DockerComponentOperator",
    "kubernetes": "pipeline.orchestration.launchers.kubernetes.operator:KubernetesOperator",
    "process": "pipeline.orchestration.launchers.process:ProcessOperator",
    "trainjob": "pipeline.orchestration.launchers.trainjob.operator:TrainJobOperator",
}
