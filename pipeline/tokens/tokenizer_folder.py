"""A tokenizer as a folder: an ordinary transformers tokenizer, and what a model must know of it.

Special tokens are found by their role, never by their name. How the tokenizer frames a text is found by encoding one.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, Damaged
from pipeline.families.vocabulary import Frame, Vocabulary
from pipeline.tokens.special_tokens import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

FILE = "vocabulary.json"
SENTINEL = re.compile(r"<extra_id_(\d+)>")
PROBE = "a"
COPIED = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
"""Files of a base model that belong to its tokenizer."""


def save_trained(tokenizer: Tokenizer, folder: Path, more: Sequence[str] = ()) -> Vocabulary:
    """Write a tokenizer that was trained here, or given as a `tokenizer.json`.

    Args:
        tokenizer: with the special tokens of this project.
        folder: where to write.
        more: special tokens of the task.
    """
    from transformers import PreTrainedTokenizerFast

    roles: dict[str, Any] = {f"{role}_token": token for role, token in NAMES.items()}
    roles |= {"extra_special_tokens": list(more)} if more else {}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **roles).save_pretrained(folder)
    return describe(folder)


def copy_from_base(base: Path, folder: Path) -> Vocabulary:
    """Take the tokenizer of a base model.

    Raises:
        BadInput: the base has none that can be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)
    if not (folder / "tokenizer.json").is_file():
        raise BadInput(f"no tokenizer.json in the base model {base.name}", "a fast tokenizer", "save the base with its fast tokenizer")
    return describe(folder)


def describe(folder: Path) -> Vocabulary:
    """Find size, special tokens and frame of a tokenizer, and write them to `vocabulary.json`.

    Raises:
        BadInput: the tokenizer has no end token, or cannot encode a text.
    """
    tokenizer = load_tokenizer(folder)
    eos = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    if eos is None:
        raise BadInput(f"the tokenizer in {folder.name} has no end token", "an eos or sep token", "set eos_token in tokenizer_config.json")
    every = tokenizer.get_vocab()
    sentinels = sorted((int(found[1]), number) for token, number in every.items() if (found := SENTINEL.fullmatch(token)))
    pad = tokenizer.pad_token_id
    vocabulary = Vocabulary(
        size=max(every.values()) + 1,
        pad=pad if pad is not None else eos,
        eos=eos,
        bos=tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id,
        sep=every.get(NAMES["sep"]),
        mask=tokenizer.mask_token_id,
        sentinels=tuple(number for _, number in sentinels),
        special=tuple(sorted({*tokenizer.all_special_ids, *(number for _, number in sentinels)})),
        frame=_frame(tokenizer.backend_tokenizer),
    )
    (folder / FILE).write_text(json.dumps(vocabulary.to_json(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return vocabulary


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read `vocabulary.json` of a tokenizer folder.

    Raises:
        Damaged: it is missing or cannot be read.
    """
    try:
        return Vocabulary.from_json(json.loads((folder / FILE).read_bytes()))
    except (OSError, ValueError, TypeError, BadInput) as error:
        raise Damaged(f"{folder / FILE} cannot be read: {error}", "a tokenizer folder", "tokenize the corpus again") from error


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers loads it: with roles and chat template."""
    from transformers import PreTrainedTokenizerFast

    named = json.loads((folder / "tokenizer_config.json").read_bytes()) if (folder / "tokenizer_config.json").is_file() else {}
    loader: Any = PreTrainedTokenizerFast
    if named.get("tokenizer_class", loader.__name__) not in {loader.__name__, "PreTrainedTokenizerFast"}:
        # imports torch, which takes longer than to encode many a corpus
        from transformers import AutoTokenizer

        loader = AutoTokenizer
    return loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _frame(tokenizer: Tokenizer) -> Frame:
    """The special tokens around one text and around two."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    text = _encodable(tokenizer)
    one, two = tokenizer.encode(text), tokenizer.encode(text, text)
    own = [index for index, special in enumerate(one.special_tokens_mask) if not special]
    left = [index for index, number in enumerate(two.sequence_ids) if number == 0]
    right = [index for index, number in enumerate(two.sequence_ids) if number == 1]
    return Frame(
        prefix=tuple(one.ids[: own[0]]),
        suffix=tuple(one.ids[own[-1] + 1 :]),
        middle=tuple(two.ids[left[-1] + 1 : right[0]]),
        pair_suffix=tuple(two.ids[right[-1] + 1 :]),
        types=bool(two.type_ids[right[0]]),
    )


def _encodable(tokenizer: Tokenizer) -> str:
    """A text that has a token: a tokenizer for one script may drop the letters of all others.

    Raises:
        BadInput: there is none, or the tokenizer fails at a text that it does not know.
    """
    fix = "give the base the tokenizer it was trained with"
    try:
        texts = (text for text in (PROBE, *sorted(tokenizer.get_vocab())) if 0 in tokenizer.encode(text).special_tokens_mask)
        found = next(texts, None)
    except Exception as error:  # tokenizers raises nothing more specific
        raise BadInput(f"the tokenizer cannot encode {PROBE!r}: {error}", "", fix) from error
    if found is None:
        raise BadInput("the tokenizer drops every text", "", fix)
    return found
