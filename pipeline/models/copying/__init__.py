"""Models that may copy words of the source instead of writing them from the vocabulary."""
