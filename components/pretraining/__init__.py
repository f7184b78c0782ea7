"""The pretraining stage: contract and body."""
