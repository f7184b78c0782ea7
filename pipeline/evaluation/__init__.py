"""Scoring one model on the test splits of a corpus, together with the untrained model and the baselines.

The steps: choose examples, let every *system* (the model, the same model untrained, each baseline) write an output for each example,
score all outputs, resample for intervals, and write the numbers as JSON, Parquet and one HTML page. Everything is a function of
corpus, model and params, so the files are the same bytes every time.
"""
