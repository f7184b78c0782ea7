"""Where a component runs. The setting ``launcher`` chooses; the DAG stays the same.

A launcher is an operator class: `pipeline.operators.component_operator.ComponentMixin` over an operator that knows how to start,
follow and stop something, plus one method `launch`; see `base`. Providers keep the hard parts: a ``docker`` launcher mixes into
their ``DockerOperator``, a ``kubernetes`` launcher into their ``KubernetesPodOperator``.
"""

LAUNCHERS = {
    "docker": "pipeline.launchers.docker.operator:DockerComponentOperator",
    "kubernetes": "pipeline.launchers.kubernetes.operator:KubernetesOperator",
    "process": "pipeline.launchers.process.operator:ProcessOperator",
    "trainjob": "pipeline.launchers.trainjob.operator:TrainJobOperator",
}
