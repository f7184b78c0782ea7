"""What one run leaves in the store: its name, its requests, its live progress and why it failed."""
