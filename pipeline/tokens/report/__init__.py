"""The report of a tokenizer: how many tokens the texts of a corpus become, by split, language and group.

`FILE` of a tokens artifact holds it. It follows from the corpus, the tokenizer and the task alone, so it has the same bytes each time. How the
champion's tokenizer does on the same texts depends on who is champion; that is in the metrics of the manifest (`compare`), and in no file.

Each figure is of a bounded sample (`sample`), and is written with the intervals of `figures`.
"""

FILE = "report.json"
"""Name of the file."""
