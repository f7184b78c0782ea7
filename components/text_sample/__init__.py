"""The stage that samples a source for a classifier of texts: contract and body."""
