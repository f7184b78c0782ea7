"""Tokens: a tokenizer, and a corpus as memory-mapped token ids.

Files of a tokens artifact:

=========================================  ====================================================================
tokenizer.json                             the tokenizer, in the format of HF ``tokenizers``
tokens.json                                vocabulary, dtype, ids of special tokens, lengths, counts: `layout.Layout`
stream-<split>.bin, .idx                   every document of the split as ``source_text``, each ended by ``<eos>``
pairs-<split>-source.bin, .idx             what is read, of the documents that have a target, cut to its length
pairs-<split>-target.bin, .idx             what is written, in the same order, ended by ``<eos>`` unless it was cut
=========================================  ====================================================================

``<split>`` is ``train`` or ``validation``; the test splits stay text, for evaluation must not depend on a tokenizer. A
``.bin`` holds token ids, little-endian uint16, or uint32 where the vocabulary needs it; an ``.idx`` holds n + 1 little-endian
int64: where each of n documents begins and the last one ends, in tokens.
"""
