"""Generated documents: the tables of the README and the ``component.yaml`` of each component.

They are written from the contracts, the recipes and the command line, and a test compares: stale is red.
"""
