"""The corpus: documents from a pinned source, cleaned, deduplicated and split, as Parquet shards.

Files of a corpus:

======================= =========================================================================================
<split>-00000.parquet … documents of one split (``train``, ``validation``, ``test``, ``held_out``); columns ``id``,
                        ``group``, ``name``, ``text``, ``pair`` (null for an input of one text), ``target`` (null without answer)
cleaning.json           the rule by which texts were cleaned: ``data.filter.whitespace``, and the blocks of ``data.cleaning`` that change texts
cleaning_examples.json  with ``data.cleaning``: excerpts of what its blocks changed and filtered
quality.json            with ``data.quality``: how well its classifier separates, and where it cuts
contamination.json      with ``data.test_source`` or ``data.decontamination``: which test texts were found, with excerpts
repeated.json           with ``data.deduplication.lines`` or ``paragraphs``: the most frequent ones that were removed
quarantine.jsonl        records that could not be read: ``reason``, ``where``, ``excerpt``; of several sources also ``source``
sources.json            with ``data.sources``: the shards of each source
others                  what the task must know of all documents, e.g. ``labels.json``
======================= =========================================================================================

The manifest holds the counts. ``read + split_parts = kept + duplicate + filtered + quarantined`` is checked here and by every later stage.
"""

LABELS = "labels.json"
"""The classes of a corpus, in the order of their ids; of tasks that have classes."""

QUALITY = "quality.json"
"""The facts of the classifier that filtered a corpus."""

CLEANING = "cleaning.json"
"""The rule by which texts were cleaned, as a file of the corpus. Tokenization reads it, and must not depend on ingestion's code."""

REPEATED = "repeated.json"
"""Lines and paragraphs that were removed (`pipeline.corpus.drop_repeated`)."""

CONTAMINATION = "contamination.json"
"""What was found of test texts (`pipeline.corpus.contamination_report`)."""
