"""Trainshed's library: everything the components, the DAGs and the command line stand on.

`docs/architecture.md` is the map of its rooms and says who may import whom.
"""
