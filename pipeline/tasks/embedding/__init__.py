"""Embedding: a vector for each text, near to those of texts that belong to it."""
