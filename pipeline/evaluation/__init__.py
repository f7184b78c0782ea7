"""Scoring one model on the test splits of a corpus, beside the untrained model and the baselines.

The path: choose examples, let every *system* (the model, the same model untrained, each baseline) write a summary for each,
score all of them alike, resample for intervals, and lay the numbers down as JSON, Parquet and one HTML page. Everything is a
function of corpus, model and params, so the files are the same bytes every time.
"""
