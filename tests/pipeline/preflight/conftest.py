"""Fixtures of these tests alone."""

from fixtures.answers import airflow, answers

__all__ = ["airflow", "answers"]
