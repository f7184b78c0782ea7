"""Outside sources of text: how each is pinned to a revision.

Only pinning lives here, on the common ground, because planning needs it without any ML library; reading and parsing the
pinned items is `pipeline.corpus.readers`.
"""

PINNERS = {
    "pydocs": "pipeline.sources.installed:pin",
    "jsonl": "pipeline.sources.files:pin",
    "csv": "pipeline.sources.files:pin",
    "parquet": "pipeline.sources.files:pin",
    "text": "pipeline.sources.files:pin",
}
