"""External sources of text: how each is pinned to a revision.

This package only pins, because planning needs that without any ML library. `pipeline.corpus.readers` reads and parses the
pinned items.
"""

from pipeline.lookup import Table

PINNERS = Table(
    "source",
    "trainshed.sources",
    {
        "pydocs": "pipeline.sources.installed:pin",
        "jsonl": "pipeline.sources.files:pin",
        "csv": "pipeline.sources.files:pin",
        "parquet": "pipeline.sources.files:pin",
        "arrow": "pipeline.sources.files:pin",
        "text": "pipeline.sources.files:pin",
        "html": "pipeline.sources.files:pin",
        "warc": "pipeline.sources.files:pin",
        "catalogue": "pipeline.sources.catalogues:pin",
        "images": "pipeline.sources.image_folder:pin",
        "sql": "pipeline.sources.sql:pin",
        "hub": "pipeline.sources.hub:pin",
    },
)
