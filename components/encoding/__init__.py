"""The encoding stage: contract and body."""
