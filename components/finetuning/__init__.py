"""The finetuning stage: contract and body."""
