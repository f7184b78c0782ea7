"""The tokens by which multilingual models tell languages apart: ``deu_Latn`` (NLLB), ``de_DE`` (mBART), ``__de__`` (M2M100), ``>>deu<<`` (Marian).

They are found by their role: special tokens that are neither padding, end nor another token with a task of its own. Every registered
model ships this module.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput, unknown_name
from pipeline.models.content_tokenizer import load_content_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from pipeline.families.vocabulary import Vocabulary

PLAIN = re.compile(r">>\S+<<|__[a-z]{2,3}__")
"""Languages that Marian and M2M100 do not mark as special tokens."""

OTHER_ROLE = re.compile(r"[<\[]/?(?:s|unk|pad|cls|sep|mask|bos|eos)[>\]]", re.IGNORECASE)


def language_ids(tokenizer: Tokenizer, vocabulary: Vocabulary) -> dict[str, int]:
    """Token → id of each language that a tokenizer knows."""
    roles = {vocabulary.pad, vocabulary.eos, vocabulary.bos, vocabulary.sep, vocabulary.mask, *vocabulary.sentinels}
    # mBART-50 marks its languages in the file only
    special = {*vocabulary.special, *(number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special)} - roles
    return {
        token: number
        for token, number in tokenizer.get_vocab().items()
        if PLAIN.fullmatch(token) or (number in special and not OTHER_ROLE.fullmatch(token))
    }


def find_language(known: dict[str, int], token: str, field: str) -> int:
    """The id of a language.

    Args:
        known: what `language_ids` found.
        token: the language.
        field: the recipe's, for messages.

    Raises:
        BadInput: the tokenizer has no language tokens, or not this one; the near one is suggested.
    """
    if not known:
        got = f"{field} is {token!r}, but the tokenizer has no language tokens"
        raise BadInput(got, "a multilingual base, or a new tokenizer", "say the language in task.prefix, or remove the field")
    if token not in known:
        raise unknown_name(f"{field}: language of the tokenizer", token, known)
    return known[token]


def set_source_language(folder: Path, vocabulary: Vocabulary, token: str) -> bool:
    """Make the tokenizer of a base frame texts by their language; one whose frame names no language stays as it is.

    Args:
        folder: of the tokenizer; its files are changed.
        vocabulary: of the tokenizer.
        token: the language of the texts.

    Returns:
        Whether the frame names a language.

    Raises:
        BadInput: the tokenizer has no such language.
    """
    known = language_ids(load_content_tokenizer(folder), vocabulary)
    names = {number: name for name, number in known.items()}
    find_language(known, token, "task.source_language")
    framed = [number for number in (*vocabulary.frame.prefix, *vocabulary.frame.suffix) if number in names]
    if not framed:
        return False
    data = json.loads((folder / "tokenizer.json").read_bytes())
    data["post_processor"] = _renamed(data["post_processor"], names[framed[0]], token, framed[0], known[token])
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    # the classes of NLLB and mBART make the frame again when they are loaded
    config = folder / "tokenizer_config.json"
    if config.is_file():
        settings = json.loads(config.read_bytes()) | {"src_lang": token}
        config.write_text(json.dumps(settings, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return True


def _renamed(value: Any, old: str, new: str, old_id: int, new_id: int) -> Any:  # noqa: ANN401 - any JSON value
    """A post-processor with another token in the place of one."""
    if isinstance(value, dict):
        ids = {"ids": [new_id if number == old_id else number for number in value["ids"]]} if isinstance(value.get("ids"), list) else {}
        return {new if key == old else key: ids.get(key) or _renamed(inner, old, new, old_id, new_id) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, old, new, old_id, new_id) for inner in value]
    return new if value == old else value
