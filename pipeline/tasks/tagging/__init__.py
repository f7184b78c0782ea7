"""Tagging: give each token of a text its tag, e.g. the kind of entity it belongs to."""
