"""Summarization: write a short text from a long one."""
