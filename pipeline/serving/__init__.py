"""Serving: the one module that answers, in evaluation and in the registered model alike.

Evaluation scores exactly what `models:/<name>@champion` answers, because both call `answer.Answerer`. A registered model ships that
module and what it imports, and needs nothing else of this project.
"""
