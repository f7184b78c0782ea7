"""Serving: the one module that turns text into output, in evaluation and in the registered model alike.

Evaluation scores exactly what `models:/<name>@champion` answers, because both call `answer.Answerer`. A registered model needs only
what that module imports: torch, tokenizers, safetensors, transformers, and a few modules of this project.
"""
