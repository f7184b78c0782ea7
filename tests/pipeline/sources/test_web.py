"""A file behind a web address, from a real server on this machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.corpus.documents import Record
from pipeline.corpus.readers import READERS
from pipeline.errors import BadInput, SourceChanged, Unavailable
from pipeline.recipe import Columns, Source
from pipeline.recipe.source_checks import source_problem
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.sources.base import MissingSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings

ROWS = [{"text": f"This is the text of number {number}."} for number in range(20_000)]
BODY = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@dataclass
class Site:
    """What the server answers."""

    body: bytes = BODY
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    ranges: bool = True
    breaks_after: int | None = None
    """Bytes after which a connection breaks, three times."""
    broken: int = 0
    busy: int = 0
    """How often it answers 503 first."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Method and range of each request."""
    url: str = ""
    redirect: str = ""
    authorization: str = ""
    """Header that it asks for."""


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(content=False)

        def do_GET(self) -> None:
            self.answer(content=True)

        def answer(self, *, content: bool) -> None:
            wanted = self.headers.get("Range")
            site.asked.append((self.command, wanted))
            if site.busy:
                site.busy -= 1
                self.send_error(503)
                return
            if site.authorization and self.headers.get("Authorization") != site.authorization:
                self.send_error(401)
                return
            if self.path == "/gone.jsonl":
                self.send_error(404)
                return
            if self.path == "/moved.jsonl":
                self.send_response(302)
                self.send_header("Location", site.redirect)
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
            self.send_response(206 if start else 200)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(site.body) - start))
            self.end_headers()
            if not content:
                return
            data = site.body[start:]
            if site.breaks_after is not None and site.broken < 3:
                site.broken += 1
                data = data[: site.breaks_after]
                self.close_connection = True
            self.wfile.write(data)

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def allowed(site: Site, folder_settings: Settings) -> Settings:
    return folder_settings.model_copy(update={"source_roots": (site.url,), "s3_retry_s": 3.0})


def source(site: Site, name: str = "rows.jsonl", **fields: Any) -> Source:
    return Source(**{"kind": "jsonl", "path": f"{site.url}/{name}", **fields})


def texts(found: Source, settings: Settings) -> list[str]:
    pin = PINNERS.load(found.kind)(found, settings)
    records = READERS.load(found.kind)(found, pin, settings, SilentReporter())
    return [record.text for record in records if isinstance(record, Record)]


EXPECTED = [row["text"] for row in ROWS]


def test_a_file_is_pinned_without_reading_it_and_then_read(site: Site, allowed: Settings) -> None:
    pin = PINNERS.load("jsonl")(source(site), allowed)
    assert (pin.items[0].revision, pin.items[0].size) == ("etag:one", len(BODY))
    assert site.asked == [("HEAD", None)]
    assert texts(source(site), allowed) == EXPECTED


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("after", [0, 100_001])
def test_a_connection_that_breaks_goes_on_where_it_broke(ranges: bool, after: int, site: Site, allowed: Settings) -> None:
    site.breaks_after, site.ranges = after, ranges
    assert texts(source(site), allowed) == EXPECTED
    assert site.broken == 3
    if ranges and after:
        assert [wanted for method, wanted in site.asked if method == "GET"] == [None, *(f"bytes={n * after}-" for n in (1, 2, 3))]


def test_a_compressed_file_and_one_that_is_read_from_its_end(site: Site, allowed: Settings, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    site.body = gzip.compress(BODY)
    assert texts(source(site, "rows.jsonl.gz"), allowed) == EXPECTED
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    site.body = (tmp_path / "rows.parquet").read_bytes()
    assert texts(source(site, "rows.parquet", kind="parquet"), allowed) == EXPECTED


@pytest.mark.parametrize(
    "change", [{"headers": {"ETag": '"two"'}}, {"headers": {"Last-Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}}, {"headers": {}}]
)
def test_a_file_that_changed_since_it_was_planned_is_told(change: dict[str, Any], site: Site, allowed: Settings) -> None:
    pin = PINNERS.load("jsonl")(source(site), allowed)
    vars(site).update(change)
    with pytest.raises(SourceChanged, match="changed since it was planned"):
        list(READERS.load("jsonl")(source(site), pin, allowed, SilentReporter()))


def test_a_file_that_changes_where_a_connection_broke_is_told(site: Site, allowed: Settings) -> None:
    site.breaks_after = 400_000
    pin = PINNERS.load("jsonl")(source(site), allowed)
    rows = READERS.load("jsonl")(source(site), pin, allowed, SilentReporter())
    next(rows)
    site.headers = {"ETag": '"two"'}
    with pytest.raises(SourceChanged):
        list(rows)


def test_a_checksum_of_the_recipe_is_the_revision_and_is_checked(site: Site, allowed: Settings) -> None:
    right, site.headers = hashlib.sha256(BODY).hexdigest(), {}
    assert texts(source(site, sha256=right.upper()), allowed) == EXPECTED
    assert PINNERS.load("jsonl")(source(site, sha256=right), allowed).items[0].revision == f"sha256:{right}"
    with pytest.raises(SourceChanged, match="another checksum"):
        texts(source(site, sha256="0" * 64), allowed)


def test_a_server_that_names_no_version_is_refused(site: Site, allowed: Settings) -> None:
    site.headers = {"ETag": 'W/"weak"'}
    with pytest.raises(BadInput, match=r"no ETag and no Last-Modified.*set data.source.sha256"):
        texts(source(site), allowed)
    site.headers = {"Last-Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}
    assert texts(source(site), allowed) == EXPECTED


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(site: Site, allowed: Settings) -> None:
    site.busy = 2
    assert texts(source(site), allowed) == EXPECTED
    before = len(site.asked)
    with pytest.raises(MissingSource, match=r"no file at data\.source\.path"):
        texts(source(site, "gone.jsonl"), allowed)
    assert len(site.asked) == before + 1
    site.busy = 1_000_000
    with pytest.raises(Unavailable, match="answers 503"):
        texts(source(site), allowed.model_copy(update={"s3_retry_s": 0.3}))


def test_sources_may_not_be_read_from_this_machine_unless_it_is_named(site: Site, folder_settings: Settings, allowed: Settings) -> None:
    for address in (site.url, "http://localhost:1", "http://169.254.169.254", "http://[::1]:1"):
        with pytest.raises(BadInput, match="is this machine, or a service of its cloud"):
            texts(Source(kind="jsonl", path=f"{address}/rows.jsonl"), folder_settings)
    assert site.asked == []
    site.redirect = "http://169.254.169.254/keys"
    with pytest.raises(BadInput, match="may not be read from"):
        texts(source(site, "moved.jsonl"), allowed)
    for place, told in (("http://[::1", "cannot be asked"), ("file:///etc/passwd", "is no address of the web")):
        site.redirect = place
        with pytest.raises(BadInput, match=told):
            texts(source(site, "moved.jsonl"), allowed)
    site.redirect = "/rows.jsonl"
    assert texts(source(site, "moved.jsonl"), allowed) == EXPECTED
    with pytest.raises(BadInput, match="may not be read from"):
        texts(source(site), allowed.model_copy(update={"source_roots": ("https://data.example.org",)}))


def test_a_password_comes_from_netrc_and_not_from_the_address(
    site: Site, allowed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.authorization = "Basic " + base64.b64encode(b"me:secret").decode()
    with pytest.raises(BadInput, match="its server answers 401"):
        texts(source(site), allowed)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert texts(source(site), allowed) == EXPECTED


def test_a_proxy_resolves_names(site: Site, folder_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://data.example.invalid/rows.jsonl"
    hurried = folder_settings.model_copy(update={"s3_retry_s": 0.1})
    with pytest.raises(Unavailable, match=r"the host data\.example\.invalid is not found"):
        texts(Source(kind="jsonl", path=address), hurried)
    monkeypatch.setenv("http_proxy", site.url)
    assert texts(Source(kind="jsonl", path=address), hurried) == EXPECTED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"path": "https://me:secret@data.example.org/rows.jsonl"}, "holds a user or a password"),
        ({"path": "https://[::1"}, "is no address"),
        ({"path": "http://"}, "is no address"),
        ({"path": "https://data.example.org:port/rows.jsonl"}, "is no address"),
        ({"path": "rows.jsonl", "sha256": "0" * 64}, "sha256 without a web address"),
        ({"kind": "catalogue", "path": "https://data.example.org/i18n", "columns": Columns()}, "'catalogue' with a web address"),
    ],
)
def test_wrong_settings_are_found_when_the_recipe_is_read(fields: dict[str, Any], expected: str) -> None:
    problem = source_problem(Source(**{"kind": "jsonl", **fields}))
    assert problem is not None
    assert expected in problem[0]
