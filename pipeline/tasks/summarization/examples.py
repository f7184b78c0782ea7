"""Examples of summarization: a text and its summary."""

from pipeline.tasks.written import WrittenExamples


class Examples(WrittenExamples):
    """Text → summary."""
