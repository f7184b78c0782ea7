"""A running stack, and one run of the smallest line through it, for the end-to-end tests of a file."""

from fixtures.smallest import first_run, recipe, watched_run
from fixtures.stack import stack

__all__ = ["first_run", "recipe", "stack", "watched_run"]
