"""Answering: the one small module that turns text into output, in evaluation and in the registered model alike.

Whatever evaluation scored is what `models:/<name>@champion` answers, because both call `answer.Answerer`. What it imports
(torch, tokenizers, safetensors, transformers, and a few modules of ours) is all that a registered model needs.
"""
