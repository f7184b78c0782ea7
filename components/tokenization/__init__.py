"""The tokenization stage: contract and body."""
