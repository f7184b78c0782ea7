"""The stage that makes a tokenizer: contract and body."""
