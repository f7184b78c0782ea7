"""Spans that a token classification model finds in texts of any length, for ``data.cleaning`` (`pipeline.corpus.cleaning.names`).

=============== ==================================================================================
`sections`      a text as pieces of the tokenizer, in windows that the model can read
`words`         the words of a text, their scores from those of the pieces, and spans of words
`finder`        the model: windows in batches, one thread
=============== ==================================================================================
"""
