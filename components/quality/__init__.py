"""The stage that trains a classifier of texts: contract and body."""
