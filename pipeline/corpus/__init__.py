"""The corpus: documents read from a pinned source, cleaned, without duplicates, split, as Parquet shards.

Files of a corpus:

======================= =========================================================================================
<split>-00000.parquet … documents of one split (``train``, ``validation``, ``test``, ``held_out``); columns ``id``,
                        ``group``, ``name``, ``text``, ``target`` (null where there is none)
quarantine.jsonl        what could not be read: ``reason``, ``where``, ``excerpt``
======================= =========================================================================================

Counts stand in the manifest: ``read = kept + duplicate + filtered + quarantined``, checked here and by every later stage.
"""
