"""Tokens: a tokenizer, and a corpus as memory-mapped token ids.

Files of a tokens artifact:

=========================================  ====================================================================
tokenizer.json                             the tokenizer, in the format of HF ``tokenizers``
tokens.json                                vocabulary, dtype, ids of special tokens, lengths, counts: `layout.Layout`
stream-<split>.bin, .idx                   every document of the split as ``source_text``, each ended by ``<eos>``
pairs-<split>-source.bin, .idx             sources of the documents that have a target, cut to ``max_source_tokens``
pairs-<split>-target.bin, .idx             their targets, in the same order, ended by ``<eos>`` unless cut
=========================================  ====================================================================

``<split>`` is ``train`` or ``validation``. The test splits stay text, because evaluation must not depend on a tokenizer. A ``.bin``
holds token ids as little-endian uint16, or uint32 for a large vocabulary. An ``.idx`` holds n + 1 little-endian int64: the position,
in tokens, at which each of n documents begins, and at which the last one ends.
"""
