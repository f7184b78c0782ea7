"""Launcher ``kubernetes``: the component is a pod of its own, placed by the name of a machine size.

`render` says what the pod is, purely; `identity` gives it the name by which a retry finds it again; `ends` reads from its status
what became of it; `cluster` speaks to the API server with patience; `follow` watches one pod to its end; `operator` mixes all
that into the provider's operator.
"""
