"""Translation: write in another language what a text says."""
