"""The fixture `stack`: one running stack for all end-to-end tests."""

from fixtures.stack import stack

__all__ = ["stack"]
