"""Tests of a laptop's stack that share one. It is a package, so that the stack lasts as long as its tests."""
