"""The model_import stage: contract and body."""
