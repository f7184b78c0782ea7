"""Checks of a Kubernetes cluster: permissions, nodes, network policies, the TrainJob CRD."""
