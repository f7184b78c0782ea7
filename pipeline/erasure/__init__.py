"""Erasure: documents that people asked to forget, and everything that was made from them.

A *tombstone* is an append-only entry of the store that holds digests of such documents, never their text. Ingestion leaves these documents out.
A corpus that holds one is no cache hit, and no model that was made from it is promoted.
"""
