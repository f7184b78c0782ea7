"""The evaluation stage: contract and body."""
