"""Private data in texts: what identifies people or opens doors, found by its form and hidden.

=============== ===========================================================================================================
`find`          where it is, by kind; one file of patterns and checks for each group of kinds
`hide`          the text with a stand-in in its place
=============== ===========================================================================================================

Patterns find candidates; where a check digit exists (cards, IBAN, national ids) or a parser does (phone numbers, IP addresses), it decides. Names, street
addresses and anything else without a form stay (names: `pipeline.corpus.cleaning.names`, where a model is given): this lowers a risk, and makes no text anonymous.

Ingestion, served models and the monitor use the same code, so that a redacted log resembles its corpus. Every registered model ships this
package, so it imports nothing of this project.
"""
