"""Web pages: HTML files, and the records of crawlers."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.corpus.documents import Filtered, Quarantined, Record
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput
from pipeline.recipe import Source
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

TEXT = "The main text is long enough to be taken for one. It has two sentences."
PAGE = f"""<html lang=en><head><title> A  page </title><link rel=canonical href="https://site.example/a"></head><body>
<nav><a href=/>Home</a> <a href=/b>Other pages</a></nav><main><h1>Heading</h1><p>{TEXT}</p></main>
<footer>Copyright of somebody</footer><script>let hidden = "script"</script></body></html>"""


def read(kind: str, path: Path, settings: Settings, **fields: Any) -> list[Any]:
    source = Source(kind=kind, path=str(path), **fields)
    return list(READERS.load(kind)(source, PINNERS.load(kind)(source, settings), settings, SilentReporter()))


def record(kind: str, block: bytes, address: str, form: str = "application/http; msgtype=response") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2026-11-24T00:00:00Z\r\n"
    return f"{head}Content-Type: {form}\r\nContent-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def warc(*responses: tuple[str, str, bytes, str]) -> bytes:
    """Records of (status, headers, body, address), each after its request, as crawlers write them."""
    return b"".join(
        record("request", b"GET / HTTP/1.1\r\n\r\n", address)
        + record("response", f"HTTP/1.1 {status}\r\nContent-Type: {headers}\r\n\r\n".encode() + body, address)
        for status, headers, body, address in responses
    )


def test_the_main_text_of_a_page_is_read_and_nothing_around_it(tmp_path: Path, folder_settings: Settings) -> None:
    (tmp_path / "A.HTML").write_text(PAGE)
    (tmp_path / "b.htm.gz").write_bytes(gzip.compress(PAGE.encode()))
    (tmp_path / "notes.txt").write_text("no page")
    first, second = read("html", tmp_path, folder_settings)
    assert isinstance(first, Record)
    assert (first.text, first.name, first.group) == (f"Heading\n\n{TEXT}", "A page", "site.example")
    assert first._replace(where="") == second._replace(where="")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "gb18030"])
def test_the_encoding_of_a_page_is_what_it_says_or_what_the_recipe_says(encoding: str, tmp_path: Path, folder_settings: Settings) -> None:
    page = PAGE.replace("The main", "Café, the main")
    (tmp_path / "said.html").write_bytes(page.replace("<head>", f'<head><meta charset="{encoding}">').encode(encoding))
    (tmp_path / "silent.html").write_bytes(page.encode(encoding))
    assert read("html", tmp_path / "said.html", folder_settings)[0].text.startswith("Heading\n\nCafé")
    assert read("html", tmp_path / "silent.html", folder_settings, encoding=encoding)[0].text.startswith("Heading\n\nCafé")


def test_pages_that_would_take_minutes_are_quarantined(tmp_path: Path, folder_settings: Settings) -> None:
    (tmp_path / "deep.html").write_text("<div>" * 100_000 + TEXT)
    (tmp_path / "deep-b.html").write_text("<b><p>" * 50_000 + TEXT)
    (tmp_path / "large.html").write_bytes(b"<p>" + b"word " * (9 << 18))
    (tmp_path / "list.html").write_text(PAGE.replace("</main>", "<ul>" + "<li>item" * 50_000 + "</main>"))
    found = read("html", tmp_path, folder_settings)
    assert [row.reason if isinstance(row, Quarantined) else row.name for row in found] == [
        "a page nested more than 1000 deep",
        "a page nested more than 1000 deep",
        "a page above 8 MB",
        "A page",
    ]


def test_the_pages_of_a_crawl_are_read_and_other_records_are_counted(tmp_path: Path, folder_settings: Settings) -> None:
    html, latin = "text/html; charset=utf-8", "text/html; charset=iso-8859-1"
    (tmp_path / "crawl.warc.gz").write_bytes(
        gzip.compress(
            warc(
                ("200 OK", html, PAGE.encode(), "http://one.example/a"),
                ("404 Not Found", html, PAGE.encode(), "http://one.example/gone"),
                ("200 OK", "image/png", b"\x89PNG", "http://one.example/picture"),
                ("200 OK", latin, PAGE.replace("The main", "Café, the main").encode("latin-1"), "http://two.example/b"),
            )
        )
    )
    found = read("warc", tmp_path, folder_settings, columns={"text": "text", "name": "url", "group": "host"})
    pages = [row for row in found if isinstance(row, Record)]
    assert [(page.name, page.group) for page in pages] == [("http://one.example/a", "one.example"), ("http://two.example/b", "two.example")]
    assert pages[1].text.startswith("Heading\n\nCafé")
    kinds = [row.reason for row in found if isinstance(row, Filtered)]
    assert sorted(kinds) == ["other_format", *["other_record"] * 4, "other_status"]


def test_an_answer_that_cannot_be_read_costs_one_record(tmp_path: Path, folder_settings: Settings) -> None:
    packed, chunked = "text/html\r\nContent-Encoding: gzip", "text/html\r\nTransfer-Encoding: chunked"
    page, zipped = PAGE.encode(), gzip.compress(PAGE.encode())
    (tmp_path / "crawl.warc").write_bytes(
        warc(("200 OK", packed, zipped, "http://one.example/a"), ("200 OK", packed, zipped[:60], "http://one.example/cut"))
        + record("response", b"\xff\xfe no answer", "http://one.example/odd")
        + record("response", b"", "http://one.example/empty")
        + warc(("200 OK", chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (len(page), page), "http://one.example/b"))
    )
    found = [row for row in read("warc", tmp_path, folder_settings) if not isinstance(row, Filtered)]
    whole = [row for row in found if isinstance(row, Record) and row.text.endswith(TEXT)]
    assert [row.where for row in whole] == ["crawl.warc: http://one.example/a", "crawl.warc: http://one.example/b"]
    assert [row.reason for row in found if isinstance(row, Quarantined)] == ["no HTTP answer", "no HTTP answer"]
    assert len(found) == 5


def test_extracted_text_of_a_crawl_is_read_as_it_is(tmp_path: Path, folder_settings: Settings) -> None:
    block = f"Menu\n{TEXT}".encode()
    (tmp_path / "crawl.warc.wet.gz").write_bytes(gzip.compress(record("conversion", block, "http://one.example/a", "text/plain")))
    (found,) = read("warc", tmp_path, folder_settings)
    assert (found.text, found.group) == (f"Menu\n{TEXT}", "one.example")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda whole: whole[:-40], "crawl.warc is damaged at record 4"),
        (
            lambda whole: re.sub(rb"(?<=Length: )\d{3}", lambda length: b"%d" % (int(length[0]) + 80), whole, count=1),
            "is damaged at record 2",
        ),
        (lambda whole: whole.replace(b"Content-Length: ", b"Content-Length: -", 1), "crawl.warc is damaged at record 1"),
        (lambda _: b"<html>no archive</html>", "crawl.warc is no WARC file"),
    ],
)
def test_a_damaged_crawl_is_refused(damage: Any, expected: str, tmp_path: Path, folder_settings: Settings) -> None:
    page = PAGE.encode()
    whole = warc(*[("200 OK", "text/html", page, f"http://one.example/{name}") for name in "ab"])
    (tmp_path / "crawl.warc").write_bytes(damage(whole))
    with pytest.raises(BadInput, match=expected):
        read("warc", tmp_path / "crawl.warc", folder_settings)
