"""The registration stage: contract and body."""
