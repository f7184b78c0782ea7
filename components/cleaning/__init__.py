"""The cleaning stage: contract and body."""
