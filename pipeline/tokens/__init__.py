"""Tokens: a tokenizer, and a corpus as memory-mapped token ids.

A tokens artifact has three parts; a step reads only those that it names:

========================== ==============================================================================================
tokenizer/                 the tokenizer as transformers saves it, and `vocabulary.json`: `pipeline.families.vocabulary`
streams/<split>.bin, .idx  every text of the split in the tokenizer's frame, for training without labels
examples/<split>-<field>…  the task's examples, one file for each field the task names; `labels.json` if it has classes
========================== ==============================================================================================

``<split>`` is ``train`` or ``validation``. The test splits stay text, because evaluation must not depend on a tokenizer. A ``.bin``
holds token ids as little-endian uint16, or uint32 for a large vocabulary; other fields have the type that the task names. An
``.idx`` holds n + 1 little-endian int64: the position at which each of n documents begins, and at which the last one ends.
"""

TOKENIZER, STREAMS, EXAMPLES = "tokenizer", "streams", "examples"
"""The parts: folders of the artifact."""
