"""The stage that checks a corpus: contract and body."""
