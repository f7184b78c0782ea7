"""Catalogues of translators: which messages become records, which are filtered, and which files are broken."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from pipeline.corpus.documents import Filtered, Quarantined, Record
from pipeline.corpus.readers.catalogue_messages import parse_catalogue
from pipeline.corpus.readers.catalogues import read
from pipeline.recipe import Columns, Source
from pipeline.reporter import SilentReporter
from pipeline.sources.catalogues import pin

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.s3 import S3Server

    from pipeline.settings import Settings

ENGLISH = {
    "title": "Settings",
    "same": "Dag",
    "empty": "Nobody translated this",
    "nothing": "Nor this",
    "page": {"open": "Open {{ name }}", "close": "Close it", "lost": "{{count}} lost"},
    "file_one": "{{count}} file",
    "file_other": "{{count}} files",
    "list": ["First", "Second"],
    "only": "Only English has it",
}
GERMAN = {
    "title": "Einstellungen",
    "same": "Dag",
    "empty": "",
    "nothing": None,
    "page": {"open": "{{name}} öffnen", "close": "Schließen", "lost": "Verloren"},
    "file_one": "{{count}} Datei",
    "file_other": "{{count}} Dateien",
    "list": ["Erstes", "Zweites"],
    "extra": "Nur auf Deutsch",
}
PO = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"

msgid "Delete"
msgstr "Удалить"

msgctxt "a noun"
msgid "Delete"
msgstr "Удаление"

#, fuzzy
msgid "Open"
msgstr "Закрыть"

msgid "Untranslated"
msgstr ""

#, python-format
msgid "%(count)d file in %(folder)s"
msgid_plural "%(count)d files in %(folder)s"
msgstr[0] "%(count)d файл в %(folder)s"
msgstr[1] "%(count)d файла в %(folder)s"
msgstr[2] "%(count)d файлов в %(folder)s"

#~ msgid "Obsolete"
#~ msgstr "Устарело"
"""


def write_json(folder: Path, **languages: Any) -> Path:
    for language, content in languages.items():
        (folder / language).mkdir(parents=True)
        (folder / language / "shop.json").write_text(json.dumps(content), "utf-8")
    return folder


def records(source: Source, settings: Settings) -> list[Record | Quarantined | Filtered]:
    return list(read(source, pin(source, settings), settings, SilentReporter()))


def pairs(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.text, one.target) for one in found if isinstance(one, Record)]


def filtered(found: list[Any]) -> Counter[str]:
    return Counter(one.reason for one in found if isinstance(one, Filtered))


def test_json_messages_that_both_languages_have_become_records(tmp_path: Path, folder_settings: Settings) -> None:
    source = Source(kind="catalogue", path=str(write_json(tmp_path / "in", en=ENGLISH, de=GERMAN)), languages=("en", "de"))
    found = records(source, folder_settings)
    assert pairs(found) == [
        ("Settings", "Einstellungen"),
        ("Open {{ name }}", "{{name}} öffnen"),
        ("Close it", "Schließen"),
        ("{{count}} file", "{{count}} Datei"),
        ("{{count}} files", "{{count}} Dateien"),
        ("First", "Erstes"),
        ("Second", "Zweites"),
    ]
    assert filtered(found) == {"untranslated": 3, "other_placeholders": 1}
    assert [one.group for one in found if isinstance(one, Record)][1:5] == ["shop:page.open", "shop:page.close", "shop:file", "shop:file"]
    assert {(one.pair, one.name) for one in found if isinstance(one, Record)} == {(None, "")}


def test_several_languages_are_named_in_each_record_and_columns_choose_other_fields(tmp_path: Path, folder_settings: Settings) -> None:
    path = str(write_json(tmp_path / "in", en=ENGLISH, de=GERMAN, **{"pt-BR": {"title": "Configurações"}}))
    source = Source(kind="catalogue", path=path, languages=("en", "pt_br", "de"))
    found = [one for one in records(source, folder_settings) if isinstance(one, Record)]
    assert Counter(one.pair for one in found) == {"pt_br": 1, "de": 7}
    assert found[0] == Record("Settings", "Configurações", "", "shop:title", "pt_br", "pt-BR/shop.json: title")
    chosen = source.model_copy(update={"columns": Columns(text="target", target="language", name="key", group="namespace")})
    assert next(iter(records(chosen, folder_settings))) == Record(
        "Configurações", "pt_br", "shop:title", "shop", None, "pt-BR/shop.json: title"
    )


def test_gettext_messages_keep_context_and_forms_and_leave_out_header_and_obsolete(tmp_path: Path, folder_settings: Settings) -> None:
    place = tmp_path / "in" / "locale" / "ru" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "shop.po").write_text(PO, "utf-8")
    found = records(Source(kind="catalogue", path=str(tmp_path / "in"), languages=("msgid", "ru")), folder_settings)
    assert pairs(found) == [
        ("Delete", "Удалить"),
        ("Delete", "Удаление"),
        ("%(count)d file in %(folder)s", "%(count)d файл в %(folder)s"),
        ("%(count)d files in %(folder)s", "%(count)d файлов в %(folder)s"),
    ]
    assert filtered(found) == {"fuzzy": 1, "untranslated": 1}
    assert [one.group for one in found if isinstance(one, Record)][:2] == ["locale/shop:Delete", "locale/shop:a noun|Delete"]


def test_a_language_without_plural_has_the_plural_only() -> None:
    header = 'msgid ""\nmsgstr "Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    content = f'{header}msgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] "%dファイル"\n'
    assert [(one.program, one.text) for one in parse_catalogue(content.encode(), "ja.po")] == [("%d files", "%dファイル")]


def compiled(**messages: str) -> bytes:
    catalog, stream = Catalog(locale="de"), io.BytesIO()
    for message, text in messages.items():
        catalog.add(message, text)
    write_mo(stream, catalog)
    return stream.getvalue()


def test_compiled_catalogues_are_read_unless_their_source_is_there(tmp_path: Path, folder_settings: Settings) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "de.mo").write_bytes(compiled(Delete="Löschen"))
    source = Source(kind="catalogue", path=str(folder), languages=("msgid", "de"))
    assert pairs(records(source, folder_settings)) == [("Delete", "Löschen")]
    (folder / "de.po").write_text('msgid "Delete"\nmsgstr "Entfernen"\n', "utf-8")
    assert pairs(records(source, folder_settings)) == [("Delete", "Entfernen")]


def test_gettext_catalogues_of_two_languages_meet_in_their_ids(tmp_path: Path, folder_settings: Settings) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "fr.po").write_text('msgid "Delete"\nmsgstr "Supprimer"\n\nmsgid "Open"\nmsgstr ""\n', "utf-8")
    (folder / "de.po").write_text('msgid "Delete"\nmsgstr "Löschen"\n\nmsgid "Open"\nmsgstr "Öffnen"\n', "utf-8")
    source = Source(kind="catalogue", path=str(folder), languages=("fr", "de"))
    # gettext shows the program's own text where French has none
    assert pairs(records(source, folder_settings)) == [("Supprimer", "Löschen"), ("Open", "Öffnen")]


@pytest.mark.parametrize(
    ("name", "content", "reason", "where"),
    [
        ("de.json", b'{"a": "b",\n "c" 1}', "not JSON", "de.json:2"),
        ("de.json", b"\xff\xfe\x00", "not UTF-8", "de.json"),
        ("de.json", b"[1, 2]", "not a JSON object", "de.json"),
        ("de.json", b'{"a": {"b": 5}}', "the message is not text", "de.json: a.b"),
        ("de.json", b'{"a": ' + b"[" * 100_000, "not JSON", "de.json"),
        ("de.po", b'msgid "a"\nmsgstr "b"\n\nnonsense\n', "not a gettext catalogue", "de.po:4"),
        ("de.po", b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "a"\nmsgstr "\xe4"\n', "not a gettext catalogue", "de.po"),
        ("de.po", b'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(x;\\n"\n', "not a gettext catalogue", "de.po"),
        ("de.mo", b"no magic number here", "not a gettext catalogue", "de.mo"),
        ("de.mo", b"", "not a gettext catalogue", "de.mo"),
        ("de.mo", compiled(Delete="Löschen")[:60], "not a gettext catalogue", "de.mo"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_quarantined_record(name: str, content: bytes, reason: str, where: str) -> None:
    (found,) = parse_catalogue(content, name)
    assert isinstance(found, Quarantined)
    assert (found.reason, found.where) == (reason, where)


def test_a_broken_language_leaves_the_others_alone(tmp_path: Path, folder_settings: Settings) -> None:
    folder = write_json(tmp_path / "in", en=ENGLISH, de=GERMAN, fr={"title": "Paramètres"})
    (folder / "de" / "shop.json").write_text("{")
    found = records(Source(kind="catalogue", path=str(folder), languages=("en", "de", "fr")), folder_settings)
    assert [type(one) for one in found] == [Quarantined, Record]
    (folder / "en" / "shop.json").write_text("{")
    broken = records(Source(kind="catalogue", path=str(folder), languages=("en", "de", "fr")), folder_settings)
    assert [(one.reason, one.where) for one in broken if isinstance(one, Quarantined)] == [
        ("not JSON", "en/shop.json:1"),
        ("not JSON", "de/shop.json:1"),
    ]
    assert not pairs(broken)


def test_catalogues_are_read_from_a_bucket(tmp_path: Path, s3_server: S3Server, s3_settings: Settings, folder_settings: Settings) -> None:
    root = f"{s3_settings.store.removeprefix('s3://').partition('/')[2]}/locales"
    client = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    for language, content in (("en", ENGLISH), ("de", GERMAN)):
        client.put_object(Bucket=s3_server.bucket, Key=f"{root}/{language}/shop.json", Body=json.dumps(content).encode())
    folder = write_json(tmp_path / "in", en=ENGLISH, de=GERMAN)
    here = records(Source(kind="catalogue", path=str(folder), languages=("en", "de")), folder_settings)
    there = Source(kind="catalogue", path=f"s3://{s3_server.bucket}/{root}", languages=("en", "de"))
    assert records(there, s3_settings) == here
