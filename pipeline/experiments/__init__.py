"""Experiments: trials of a recipe with other values of some fields, compared on the validation split.

A *study* is one experiment: append-only records in the store of what was asked and what came of it. Everything else follows from
them, so whoever reads them can go on: a lost scheduler changes no suggestion, and no trial runs twice. A *trial* is a run of its own
that ends with the model, before any test split is read and before registration. Nothing here knows where a trial runs.
"""
