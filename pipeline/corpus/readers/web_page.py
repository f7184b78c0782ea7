"""From a page of HTML to the fields of a web record: its main text without navigation, menus and advertisements.

The extractor is that of Resiliparse (Bevendorff et al. 2018), which DataComp-LM found as good for language models as slower ones
(Li et al. 2024, section 4.2). Its time grows with the square of the depth of a page, so pages that are nested absurdly are refused.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.corpus.documents import Quarantined

if TYPE_CHECKING:
    from typing import Any

MAX_BYTES = 8 << 20
"""Larger pages are quarantined; a page of this size of plain paragraphs takes a second."""
MAX_DEPTH = 1000
"""Open elements at one place; pages that people read have fewer than a hundred."""
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
NOT_NESTED = VOID | {"p", "li", "dt", "dd", "option", "tr", "td", "th", "thead", "tbody", "tfoot"}
"""Elements without an end tag, and those that end where the next one begins."""


def page_fields(content: bytes, where: str, encoding: str | None, url: str = "", date: str = "") -> dict[str, Any] | Quarantined:
    """The fields of `pipeline.recipe.data.WEB_FIELDS`; the text is empty where the page has no main text.

    Args:
        content: the page.
        where: file and number, for a page that cannot be read.
        encoding: the recipe's, or that of the HTTP header; None looks at the page's own mark and bytes.
        url: the page's address; empty takes the one that the page calls canonical.
        date: when it was fetched.
    """
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    if len(content) > MAX_BYTES:
        return Quarantined("a page above 8 MB", where, content[:200].decode("utf-8", "replace"))
    text = _decoded(content, encoding)
    if _depth(text) > MAX_DEPTH:
        return Quarantined(f"a page nested more than {MAX_DEPTH} deep", where, text[:200])
    tree = HTMLTree.parse(text)
    address = url or _canonical(tree)
    body = extract_plain_text(tree, preserve_formatting=True, main_content=True, alt_texts=False, comments=False)
    return {"text": body, "title": tree.title or "", "url": address, "host": _host(address), "date": date}


def text_fields(content: bytes, where: str, url: str, date: str) -> dict[str, Any] | Quarantined:
    """The same of a page whose text somebody extracted already; arguments as of `page_fields`."""
    if len(content) > MAX_BYTES:
        return Quarantined("a page above 8 MB", where, content[:200].decode("utf-8", "replace"))
    return {"text": content.decode("utf-8", "replace"), "title": "", "url": url, "host": _host(url), "date": date}


def _decoded(content: bytes, encoding: str | None) -> str:
    """The page as text: in the given encoding, as UTF-8 if it is valid UTF-8, in the one that it names, or in a likely one."""
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    if encoding is None:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = detect_encoding(content, from_html_meta=True) or "utf-8"
    found: str = bytes_to_str(content, encoding, errors="replace")
    return found


def _depth(text: str) -> int:
    """Most elements that are open at one place, by a count of tags; at least as many as the parser would open."""
    steps = (-1 if end else 1 for end, name in TAG.findall(text) if name.lower() not in NOT_NESTED)
    # an end tag without a start closes nothing
    return max(accumulate(steps, lambda depth, step: max(0, depth + step), initial=0))


def _canonical(tree: Any) -> str:  # noqa: ANN401 - Resiliparse's tree
    link = tree.document.query_selector("link[rel=canonical]")
    return (link.getattr("href") or "") if link is not None else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
