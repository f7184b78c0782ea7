"""Corpora as people look at them: what a corpus holds, how two differ, samples, rules about them, their page and card.

It reads the shards that `pipeline.corpus` writes, with pyarrow alone, so the command line and the scheduler need no ML library. Nothing here
decides what a corpus holds: a change in this package changes no fingerprint of a corpus.
"""
