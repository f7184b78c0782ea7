"""Readers: from the items of a pinned source to records, one file for each kind of source."""

READERS = {
    "pydocs": "pipeline.corpus.readers.pydocs:read",
    "jsonl": "pipeline.corpus.readers.jsonl:read",
    "csv": "pipeline.corpus.readers.delimited:read",
    "parquet": "pipeline.corpus.readers.columnar:read",
    "text": "pipeline.corpus.readers.plain:read",
}
