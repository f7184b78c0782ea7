"""The messages of one catalogue: JSON with nested keys, or gettext.

Plural forms become messages of their own. A JSON catalogue names its forms (``file_one``, ``file_other``, as i18next does), and equal
names belong together. gettext numbers them, and each language counts in its own way. So of every language the form of 1 belongs to the
singular and the form of 5 to the plural; a language that has one form for both has a plural only.
"""

from __future__ import annotations

import gettext
import io
import json
import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po

from pipeline.corpus.documents import Quarantined
from pipeline.sources.catalogue_layout import JSON, PO, ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Catalog, Message

BOM = b"\xef\xbb\xbf"
PLURAL = re.compile(r"(.+)_(?:zero|one|two|few|many|other)")
ONE, SEVERAL = 1, 5
"""The numbers whose forms are taken."""


class CatalogueMessage(NamedTuple):
    """One message of a catalogue, or one form of it."""

    id: str
    """Unique in its catalogue, and the same in every language."""

    key: str
    """The same for all forms of a message."""

    text: str
    """The message in the catalogue's language; empty if it was not translated."""

    program: str = ""
    """gettext: the message in the language of the program."""

    fuzzy: bool = False
    """gettext: the translation is a guess, made when the text of the program changed."""


def parse_catalogue(content: bytes, path: str) -> list[CatalogueMessage | Quarantined]:
    """The messages of a catalogue, in its order; a file that cannot be read is one `Quarantined`.

    Args:
        content: bytes of the file.
        path: its name; its ending says what it is.
    """
    if ending(path) == JSON:
        return _json(content, path)
    try:
        return list(_gettext(read_po(io.BytesIO(content), abort_invalid=True) if ending(path) == PO else read_mo(io.BytesIO(content))))
    except PoFileError as error:
        return [Quarantined("not a gettext catalogue", f"{path}:{error.lineno + 1}", str(error.line))]
    except (ValueError, LookupError, OSError, struct.error, SyntaxError, RecursionError) as error:
        return [Quarantined("not a gettext catalogue", path, f"{type(error).__name__}: {error}")]


def _json(content: bytes, path: str) -> list[CatalogueMessage | Quarantined]:
    try:
        found = json.loads(content.removeprefix(BOM).decode("utf-8"))
        return list(_walk(found, "", path)) if isinstance(found, dict) else [Quarantined("not a JSON object", path, str(found)[:200])]
    except UnicodeDecodeError:
        return [Quarantined("not UTF-8", path)]
    except json.JSONDecodeError as error:
        return [Quarantined("not JSON", f"{path}:{error.lineno}", error.msg)]
    except RecursionError:
        return [Quarantined("not JSON", path, "too deeply nested")]


def _walk(value: Any, name: str, path: str) -> Iterator[CatalogueMessage | Quarantined]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inner:
            yield from _walk(one, f"{name}.{key}" if name else str(key), path)
    elif value is None or isinstance(value, str):
        plural = PLURAL.fullmatch(name)
        yield CatalogueMessage(name, plural[1] if plural else name, value or "")
    else:
        yield Quarantined("the message is not text", f"{path}: {name}", str(value))


def _gettext(catalog: Catalog) -> Iterator[CatalogueMessage | Quarantined]:
    """The header, whose id is empty, and obsolete entries are no messages."""
    form = gettext.c2py(catalog.plural_expr)
    for message in catalog:
        if message.id:
            yield from _forms(message, form(ONE), form(SEVERAL))


def _forms(message: Message, one: int, several: int) -> Iterator[CatalogueMessage]:
    """A message without a plural, or the two forms of one with it.

    Args:
        message: of gettext.
        one: which of its forms is the singular.
        several: which of its forms is the plural.
    """
    ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
    said = message.string if isinstance(message.string, tuple | list) else (message.string,)
    key = f"{message.context}|{ids[0]}" if message.context else ids[0]
    if len(ids) == 1:
        yield CatalogueMessage(key, key, said[0] or "", ids[0], message.fuzzy)
        return
    for place, number in enumerate((one, several)):
        if place == 1 or one != several:
            text = said[number] if number < len(said) else ""
            yield CatalogueMessage(f"{key}[{place}]", key, text or "", ids[place], message.fuzzy)
