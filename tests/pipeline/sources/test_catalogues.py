"""Pinning catalogues: which files are whose language, what counts as their revision, and which languages are missing."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.readers import catalogues
from pipeline.errors import BadInput, Unavailable
from pipeline.recipe import Source
from pipeline.reporter import SilentReporter
from pipeline.sources import installed
from pipeline.sources.catalogue_layout import find_catalogues, namespace
from pipeline.sources.catalogues import pin

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings


def write(folder: Path, *paths: str, text: str = '{"a": "b"}') -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def catalogue(folder: Path, *languages: str) -> Source:
    return Source(kind="catalogue", path=str(folder), languages=languages)


@pytest.mark.parametrize(
    ("english", "german", "name"),
    [
        ("en/common.json", "de/common.json", "common"),
        ("i18n/en.json", "i18n/de.json", "i18n"),
        ("shop/locale/en/LC_MESSAGES/django.po", "shop/locale/de/LC_MESSAGES/django.po", "shop/locale/django"),
        ("en.po", "de.po", ""),
        ("it/EN/x.json.gz", "it/de/x.json.gz", "it/x"),
    ],
)
def test_one_part_of_the_path_is_the_language(english: str, german: str, name: str) -> None:
    ((pattern, row),) = find_catalogues([english, german, "other/de.json", "README.json"], ("en", "de")).items()
    assert row == {"en": english, "de": german}
    assert namespace(pattern) == name


def test_only_the_languages_of_the_recipe_are_pinned_and_their_folders_count(tmp_path: Path, folder_settings: Settings) -> None:
    source = catalogue(write(tmp_path / "one", "en/x.json", "de/x.json", "fr/x.json", "de/only.json"), "en", "de")
    first = pin(source, folder_settings)
    assert [first.path(item) for item in first.items] == ["de/x.json", "en/x.json"]
    write(tmp_path / "one", "fr/y.json", "fr/x.json", text="{}")
    assert pin(source, folder_settings).digest == first.digest
    moved = write(tmp_path / "elsewhere", "en/x.json", "de/x.json")
    assert pin(catalogue(moved, "en", "de"), folder_settings).digest == first.digest
    deeper = write(tmp_path / "deeper", "a/en/x.json", "a/de/x.json")
    assert pin(catalogue(deeper, "en", "de"), folder_settings).digest != first.digest


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (
            ("en", "dde"),
            r"unknown language in data\.source\.languages for data\.source\.path '.*': 'dde'; expected one of: de, fr; fix: did you mean 'de'\?",
        ),
        (("enn", "de"), "'enn'; expected one of: de, en, fr; fix: did you mean 'en'"),
        (("msgid", "de"), "has no gettext catalogue; expected a .po or .mo file"),
    ],
)
def test_a_language_without_catalogue_is_refused(
    tmp_path: Path, folder_settings: Settings, languages: tuple[str, ...], message: str
) -> None:
    folder = write(tmp_path / "in", "en/x.json", "de/x.json", "fr/x.json")
    with pytest.raises(BadInput, match=message) as caught:
        pin(catalogue(folder, *languages), folder_settings)
    assert "\n" not in str(caught.value)


def test_a_folder_without_catalogues_is_refused(tmp_path: Path, folder_settings: Settings) -> None:
    folder = write(tmp_path / "in", "readme.txt")
    with pytest.raises(BadInput, match=r"finds no catalogue; expected files ending in \.json, \.po, \.mo; fix: correct the path"):
        pin(catalogue(folder, "en", "de"), folder_settings)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder with one package that carries catalogues."""
    place = tmp_path / "site"
    files = {f"shop/i18n/{language}/x.json": f'{{"a": "text of {language}"}}' for language in ("en", "de", "fr")} | {"shop/en.json": "{}"}
    rows = []
    for path, text in files.items():
        write(place, path, text=text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(text)}")
    write(place, "shop-1.0.dist-info/RECORD", text="\n".join(rows))
    found = installed.installed((place,))
    monkeypatch.setattr(installed, "installed", lambda: found)
    monkeypatch.setattr(catalogues, "installed", lambda: found)
    return place


def test_catalogues_of_a_package_are_pinned_by_their_rows_and_read(site: Path, folder_settings: Settings) -> None:
    source = Source(kind="catalogue", packages=("Shop",), languages=("en", "de"))
    pinned = pin(source, folder_settings)
    ((name, size),) = [(item.name, item.size) for item in pinned.items]
    assert (name, size) == ("shop", 2 * len('{"a": "text of en"}'))
    (found,) = catalogues.read(source, pinned, folder_settings, SilentReporter())
    assert (found.text, found.target, found.group) == ("text of en", "text of de", "shop/i18n/x:a")
    record = site / "shop-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("fr/x.json", "fr/y.json"))
    assert pin(source, folder_settings) == pinned
    record.write_text(record.read_text().replace("de/x.json", "de/y.json"))
    with pytest.raises(Unavailable, match="package shop changed since it was planned"):
        list(catalogues.read(source, pinned, folder_settings, SilentReporter()))


def test_a_catalogue_that_was_edited_after_installation_is_quarantined(site: Path, folder_settings: Settings) -> None:
    source = Source(kind="catalogue", packages=("shop",), languages=("en", "de"))
    pinned = pin(source, folder_settings)
    (site / "shop/i18n/de/x.json").write_text('{"a": "edited"}')
    assert list(catalogues.read(source, pinned, folder_settings, SilentReporter())) == [
        Quarantined("edited after installation", "shop/i18n/de/x.json")
    ]


def test_a_language_that_no_package_has_is_refused(site: Path, folder_settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"for packages shop: 'it'; expected one of: de, fr"):
        pin(Source(kind="catalogue", packages=("shop",), languages=("en", "it")), folder_settings)
