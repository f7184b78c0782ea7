"""The promotion stage: contract and body."""
