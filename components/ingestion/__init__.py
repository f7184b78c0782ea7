"""The ingestion stage: contract and body."""
