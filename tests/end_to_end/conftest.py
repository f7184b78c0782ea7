"""Running stacks, and one run of the smallest line, for the end-to-end tests of a file."""

from fixtures.pods import node, pod_stack
from fixtures.smallest import first_run, recipe, watched_run
from fixtures.stack import stack

__all__ = ["first_run", "node", "pod_stack", "recipe", "stack", "watched_run"]
