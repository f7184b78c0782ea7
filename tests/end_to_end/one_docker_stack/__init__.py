"""Tests of a stack that starts containers, which share one. It is a package, so that the stack lasts as long as its tests."""
