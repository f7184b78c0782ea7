"""One running stack for all end-to-end tests, and one run of the smallest line through it."""

from fixtures.smallest import first_run, recipe, watched_run
from fixtures.stack import stack

__all__ = ["first_run", "recipe", "stack", "watched_run"]
