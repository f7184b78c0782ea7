"""Pretrained weights: check what was fetched, convert it once, and write an ordinary transformers folder.

The result holds configuration, safetensors, a fast tokenizer and the generation configuration. Nothing of it can run code:
pickled weights and custom code are refused.
"""
