"""The records of one run in the store: its name, requests, live progress and failures."""
