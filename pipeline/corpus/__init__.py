"""The corpus: documents from a pinned source, cleaned, deduplicated and split, as Parquet shards.

Files of a corpus:

======================= =========================================================================================
<split>-00000.parquet … documents of one split (``train``, ``validation``, ``test``, ``held_out``); columns ``id``,
                        ``group``, ``name``, ``text``, ``target`` (null without target)
quarantine.jsonl        records that could not be read: ``reason``, ``where``, ``excerpt``
======================= =========================================================================================

The manifest holds the counts. ``read = kept + duplicate + filtered + quarantined`` is checked here and by every later stage.
"""
