"""Readers: from the items of a pinned source to records, one file per kind of source."""

from pipeline.lookup import Table

READERS = Table(
    "reader",
    "trainshed.readers",
    {
        "pydocs": "pipeline.corpus.readers.pydocs:read",
        "jsonl": "pipeline.corpus.readers.jsonl_files:read",
        "csv": "pipeline.corpus.readers.csv_files:read",
        "parquet": "pipeline.corpus.readers.parquet_files:read",
        "arrow": "pipeline.corpus.readers.arrow_files:read",
        "text": "pipeline.corpus.readers.text_files:read",
        "html": "pipeline.corpus.readers.html_files:read",
        "warc": "pipeline.corpus.readers.warc_files:read",
        "catalogue": "pipeline.corpus.readers.catalogues:read",
        "images": "pipeline.corpus.readers.image_folder:read",
        "sql": "pipeline.corpus.readers.sql_rows:read",
        "hub": "pipeline.corpus.readers.hub_files:read",
    },
)
