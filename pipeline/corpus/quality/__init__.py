"""A filter that is trained in the line: it keeps documents that look like a reference text.

The method is that of GPT-3 (Brown et al. 2020, appendix A) and DCLM (Li et al. 2024): a linear classifier on hashed words and pairs of words
learns to tell a reference from a random sample of the corpus.

1. `sample` reads the reference, and a part of the source, and keeps which features their texts have: no texts.
2. `train` learns from both, measures itself on texts that it did not learn from, and finds the limit.
3. `judge` filters documents while they are cleaned, after all other blocks.

A classifier is an artifact of its own. New data changes it only if that changes the sample, so most chunks are not cleaned again.
"""

WEIGHTS, FACTS = "weights.npy", "classifier.json"
"""Files of a classifier."""
