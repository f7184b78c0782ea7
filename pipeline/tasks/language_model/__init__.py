"""Language model: say how probable a text is, and continue it. It is learned without labels."""
