"""Trainshed's library: everything that the components, the DAGs and the command line use.

`docs/architecture.md` is the map of its rooms and says who may import whom.
"""
