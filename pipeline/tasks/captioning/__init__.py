"""Captioning: say in words what an image shows."""
