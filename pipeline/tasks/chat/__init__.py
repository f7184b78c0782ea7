"""Chat: write the next answer of a conversation."""
