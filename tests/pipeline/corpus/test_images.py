"""Sources of images with captions: what becomes of good files, of bad ones, and of what is written beside the pixels."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pyarrow as pa
import pytest
from fixtures.shapes import Picture, draw, pictures, write_folder, write_parquet
from PIL import Image
from pyarrow import parquet

from pipeline.corpora.sample import Wanted, choose
from pipeline.corpora.thumbnails import data_uri, images_of
from pipeline.corpus.counts import check_counts
from pipeline.corpus.images import MAX_PIXELS, BadImage, square
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS
from pipeline.erasure.tombstones import Forgotten, Tombstone
from pipeline.errors import BadInput, SourceChanged
from pipeline.recipe import Columns, Filter, Source
from pipeline.sources import PINNERS
from pipeline.tasks.captioning.section import Captioning

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.settings import Settings

TASK = Captioning(kind="captioning", image_size=32)
SHORT = Filter(min_chars=3, max_quarantined=1.0)
COLUMNS = Columns(text="text")
IN_PARQUET = Columns(text="text", image="image")


def documents(folder: Path) -> list[Document]:
    return [document for split in SPLITS for document in read_documents(folder, split)]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def reasons(folder: Path) -> dict[str, str]:
    """Reason by place."""
    rows = [json.loads(line) for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    return {row["where"]: row["reason"] for row in rows}


def test_a_folder_and_a_parquet_file_give_the_same_documents(tmp_path, ingest) -> None:
    found = pictures(60)
    folder = write_folder(tmp_path / "shapes", found)
    write_parquet(tmp_path / "shapes.parquet", found)
    first, counts = ingest("images", folder, "a", columns=COLUMNS, task=TASK, filter=SHORT)
    second, _ = ingest("parquet", tmp_path / "shapes.parquet", "b", columns=IN_PARQUET, task=TASK, filter=SHORT)
    assert (
        counts["read"]
        == counts["kept"]
        == counts["images"]
        == counts["pairs_train"] + counts["pairs_validation"] + counts["pairs_test"]
        == 60
    )
    check_counts(first, counts)
    one = sorted(documents(first))
    assert one == sorted(documents(second))
    captions = {document.id: document for document in one}
    assert len(captions) == 60
    for document in one:
        assert document.text == document.target
        assert len(document.image) == 32 * 32 * 3
    expected = {(picture.caption, square(picture.content, 32)) for picture in found}
    assert {(document.text, document.image) for document in one} == expected


def test_the_same_source_gives_the_same_bytes_and_a_text_corpus_has_no_column_for_images(tmp_path, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(40))
    first, second = (ingest("images", folder, name, columns=COLUMNS, task=TASK, filter=SHORT)[0] for name in "ab")
    assert {place.name: place.read_bytes() for place in first.iterdir()} == {place.name: place.read_bytes() for place in second.iterdir()}
    assert parquet.read_schema(next(first.glob("train-*"))).names[-1] == "image"
    rows = [{"text": f"a text about the number {number} and more", "summary": f"the number {number} it is"} for number in range(60)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain, _ = ingest("jsonl", tmp_path / "a.jsonl", "plain", columns=Columns(target="summary"))
    assert parquet.read_schema(next(plain.glob("train-*"))).names == ["id", "group", "name", "text", "pair", "target"]


def test_an_image_with_several_captions_is_in_one_split_and_equal_ones_are_duplicates(tmp_path, ingest) -> None:
    found = pictures(40)
    folder = write_folder(tmp_path / "shapes", found)
    with (folder / "metadata.jsonl").open("a") as file:
        for number, picture in enumerate(found):
            file.write(json.dumps({"file_name": f"./{picture.name}", "text": f"picture {number}: {picture.caption}"}) + "\n")
            file.write(json.dumps({"file_name": picture.name, "text": picture.caption}) + "\n")
    # the same pixels in another file
    (folder / "again.png").write_bytes(encoded(Image.open(io.BytesIO(found[0].content)), compress_level=1))
    with (folder / "metadata.jsonl").open("a") as file:
        file.write(json.dumps({"file_name": "again.png", "text": "seen again"}) + "\n")
    corpus, counts = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT, split={"test": 0.3, "validation": 0.2})
    assert (counts["read"], counts["kept"], counts["duplicate"], counts["images"]) == (121, 81, 40, 40)
    where: dict[bytes, set[str]] = {}
    for split in SPLITS:
        for document in read_documents(corpus, split):
            where.setdefault(document.image, set()).add(split)
    assert len(where) == 40
    assert all(len(splits) == 1 for splits in where.values())
    assert {split for splits in where.values() for split in splits} >= {"train", "test", "validation"}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def declared(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds nothing."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


GOOD = draw("red circle", "blue square", 1)
BAD: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "the image is empty"),
    "cut.png": (GOOD[: len(GOOD) // 2], "the image is cut or damaged"),
    "cut.jpg": (draw("red circle", "blue square", 1, kind="JPEG")[:400], "the image is cut or damaged"),
    "damaged.png": (GOOD[:60] + bytes(20) + GOOD[80:], "the image is cut or damaged"),
    "text.png": (b"This is no picture.", "no image of a known format: PNG, JPEG, WEBP, GIF, BMP, TIFF"),
    "page.png": (b"<html></html>", "no image of a known format: PNG, JPEG, WEBP, GIF, BMP, TIFF"),
    "drawing.png": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG is no image of pixels"),
    "bomb.png": (declared(60_000, 60_000), "an image of more than 52 million pixels"),
    "large.png": (declared(8_000, 8_000), "an image of more than 52 million pixels"),
    "absurd.png": (declared(2**31 - 1, 2**31 - 1), "an image of more than 52 million pixels"),
    "nothing.png": (declared(0, 0), "no image of a known format: PNG, JPEG, WEBP, GIF, BMP, TIFF"),
    "float.tiff": (encoded(Image.new("F", (8, 8)), "TIFF"), "an image of 32 bits for each pixel"),
}
NAMES = {
    "../outside.png": "the name of the image leads out of its folder",
    "a/../../outside.png": "the name of the image leads out of its folder",
    "/etc/hostname": "the name of the image leads out of its folder",
    "..\\outside.png": "the name of the image leads out of its folder",
    "": "the name of the image leads out of its folder",
    "missing.png": "there is no such image",
    "metadata.jsonl": "there is no such image",
}


def test_each_bad_file_and_name_costs_one_record_with_its_reason_and_place(tmp_path, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(30))
    (tmp_path / "outside.png").write_bytes(GOOD)
    rows: list[tuple[Any, Any]] = [(name, "a caption of it") for name in [*BAD, *NAMES]]
    rows += [(None, "no name"), (7, "a number"), ("0001.png", None), ("0002.png", "ab")]
    for name, (content, _) in BAD.items():
        (folder / name).write_bytes(content)
    with (folder / "metadata.jsonl").open("a") as file:
        file.writelines(json.dumps({"file_name": name, "text": text}) + "\n" for name, text in rows)
    (folder / "unnamed.png").write_bytes(GOOD)
    (folder / "notes.txt").write_text("no image")
    corpus, counts = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    check_counts(corpus, counts)
    assert (counts["kept"], counts["quarantined"], counts["filtered_no_row"], counts["filtered_too_short"]) == (
        30,
        len(BAD) + len(NAMES) + 3,
        1,
        1,
    )
    assert counts["left_out_other_format"] == 1
    found = reasons(corpus)
    for number, (name, (_, reason)) in enumerate(BAD.items(), start=31):
        assert found[f"metadata.jsonl:{number} ({name})"] == reason, name
    for number, (name, reason) in enumerate(NAMES.items(), start=31 + len(BAD)):
        assert found[f"metadata.jsonl:{number}"] == reason, name
    assert list(found.values())[-3:] == ["no field 'file_name'", "the name of the image is not text", "no field 'text'"]
    assert not any(document.image == square(GOOD, 32) for document in documents(corpus))


def test_bad_values_of_an_image_column(tmp_path, ingest) -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": picture.content, "path": None} for picture in pictures(30)]
    bad = [None, {"bytes": None, "path": "/etc/hostname"}, {"bytes": b"", "path": "a.png"}, {"bytes": GOOD[:50], "path": "a.png"}]
    texts = [f"the caption of image {number}" for number in range(len(values) + len(bad))]
    parquet.write_table(pa.table({"image": pa.array(values + bad, kind), "text": texts}), tmp_path / "a.parquet")
    corpus, counts = ingest("parquet", tmp_path / "a.parquet", columns=IN_PARQUET, task=TASK, filter=SHORT)
    assert (counts["kept"], counts["quarantined"]) == (30, 4)
    assert list(reasons(corpus).values()) == [
        "no field 'image'",
        "the field holds no image",
        "the image is empty",
        "the image is cut or damaged",
    ]
    # a plain column of bytes
    parquet.write_table(pa.table({"image": pa.array([value["bytes"] for value in values]), "text": texts[:30]}), tmp_path / "b.parquet")
    _, counts = ingest("parquet", tmp_path / "b.parquet", "b", columns=IN_PARQUET, task=TASK, filter=SHORT)
    assert counts["kept"] == 30
    parquet.write_table(pa.table({"image": [1.5] * 3, "text": texts[:3]}), tmp_path / "c.parquet")
    with pytest.raises(BadInput):
        ingest("parquet", tmp_path / "c.parquet", "c", columns=IN_PARQUET, task=TASK, filter=SHORT)


def halves(mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20, :, 0], pixels[20:, :, 2] = 255, 255
    return Image.fromarray(pixels).convert(mode)


def corner(content: bytes, top: bool = True) -> tuple[int, ...]:
    pixels = np.frombuffer(square(content, 16), np.uint8).reshape(16, 16, 3)
    return tuple(pixels[1 if top else -2, 1].tolist())


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_formats(kind: str) -> None:
    content = encoded(halves(), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.allclose(corner(content), (255, 0, 0), atol=3)
    assert np.allclose(corner(content, top=False), (0, 0, 255), atol=3)


def test_kinds_of_pixels_become_rgb() -> None:
    assert np.allclose(corner(encoded(halves("CMYK"), "JPEG", quality=95)), (255, 0, 0), atol=8)
    assert np.allclose(corner(encoded(halves("P"))), (255, 0, 0), atol=3)
    grey = np.full((20, 20), 32768, np.uint16)
    assert corner(encoded(Image.fromarray(grey))) == (128, 128, 128)
    assert corner(encoded(Image.new("1", (9, 9), 1))) == (255, 255, 255)
    # what is transparent is white, whatever colour it hides
    assert corner(encoded(Image.new("RGBA", (9, 9), (255, 0, 0, 0)))) == (255, 255, 255)
    assert corner(encoded(Image.new("LA", (9, 9), (0, 0)))) == (255, 255, 255)
    palette = halves("P")
    assert corner(encoded(palette, transparency=palette.getpixel((0, 0)))) == (255, 255, 255)
    assert corner(encoded(Image.new("RGBA", (9, 9), (0, 0, 0, 128))))[0] in range(125, 130)


def test_a_film_gives_its_first_frame() -> None:
    content = encoded(halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 40), "green")])
    assert np.allclose(corner(content), (255, 0, 0), atol=3)


@pytest.mark.parametrize(("orientation", "top"), [(1, True), (3, False), (4, False), (2, True)])
def test_the_orientation_of_a_camera_is_applied(orientation: int, top: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(halves(), "JPEG", exif=exif, quality=95)
    assert np.allclose(corner(content, top=top), (255, 0, 0), atol=8)


def test_a_picture_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the left: what is right in the file is below
    turned = halves().transpose(Image.Transpose.ROTATE_90)
    content = encoded(turned, "JPEG", exif=exif, quality=95)
    assert np.allclose(corner(content), (255, 0, 0), atol=8)


def test_the_centre_is_cut_out() -> None:
    wide = Image.new("RGB", (120, 40), "red")
    wide.paste((0, 255, 0), (40, 0, 80, 40))
    pixels = np.frombuffer(square(encoded(wide), 16), np.uint8).reshape(16, 16, 3)
    assert (pixels[:, 1:-1] == (0, 255, 0)).all()
    assert len(square(encoded(Image.new("RGB", (1, 4000), "red")), 16)) == 16 * 16 * 3


def test_nothing_that_a_camera_wrote_is_in_a_corpus(tmp_path, ingest) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret-place-52.1N"
    exif.get_ifd(0x8825)[2] = (52.0, 1.0, 2.0)
    found = [
        Picture(
            f"{n}.jpg",
            f"the photo number {n}",
            encoded(Image.effect_noise((40, 40), n + 1).convert("RGB"), "JPEG", exif=exif, comment=b"secret-place"),
        )
        for n in range(20)
    ]
    assert all(b"secret-place" in picture.content for picture in found)
    folder = write_folder(tmp_path / "photos", found)
    corpus, counts = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    assert counts["kept"] == 20
    assert not any(b"secret" in place.read_bytes() for place in corpus.iterdir())


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    import resource

    side = int(MAX_PIXELS**0.5) + 200
    rows = zlib.compressobj(9)
    content = b"".join(rows.compress(bytes(1 + 3 * side)) for _ in range(side)) + rows.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadImage, match="million pixels"):
        square(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", content) + chunk(b"IEND", b""), 32)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB; the pixels are 150 MB


def test_files_in_folders_and_captions_in_csv(tmp_path, ingest) -> None:
    found = pictures(40)
    for part, some in (("train", found[:25]), ("other/deep", found[25:])):
        write_folder(tmp_path / "shapes" / part, some)
    table = tmp_path / "shapes" / "other" / "deep" / "metadata.jsonl"
    lines = "".join(f'{picture.name};"{picture.caption}, it is"\r\n' for picture in found[25:])
    table.with_name("metadata.csv").write_text(f"file_name;text\r\n{lines}")
    with pytest.raises(BadInput, match=r"deep has metadata\.csv and metadata\.jsonl"):
        ingest("images", tmp_path / "shapes", "x", columns=COLUMNS, task=TASK, filter=SHORT)
    table.unlink()
    _, counts = ingest("images", tmp_path / "shapes", columns=COLUMNS, task=TASK, filter=SHORT)
    assert counts["kept"] == 40


def pin_of(path: Path | str, settings: Settings) -> Any:
    return PINNERS.load("images")(Source(kind="images", path=str(path)), settings)


def test_objects_below_a_prefix_are_read_as_files_are(tmp_path, s3_server, s3_settings, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(20))
    root = f"{s3_settings.store.removeprefix('s3://').partition('/')[2]}/shapes"
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
    )
    for place in folder.iterdir():
        client.put_object(Bucket=s3_server.bucket, Key=f"{root}/{place.name}", Body=place.read_bytes())
    client.put_object(Bucket=s3_server.bucket, Key=f"{root}/0001.png", Body=b"")
    address = f"s3://{s3_server.bucket}/{root}"
    corpus, counts = ingest("images", address, "from_s3", columns=COLUMNS, task=TASK, filter=SHORT, settings=s3_settings)
    here, _ = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    assert (counts["kept"], list(reasons(corpus).values())) == (19, ["the image is empty"])
    assert set(documents(corpus)) < set(documents(here))
    before = pin_of(address, s3_settings)
    client.put_object(Bucket=s3_server.bucket, Key=f"{root}/0002.png", Body=GOOD)
    assert pin_of(address, s3_settings).digest != before.digest


def test_what_a_folder_lacks_is_said_at_once(tmp_path, folder_settings) -> None:
    with pytest.raises(BadInput, match="finds no image"):
        pin_of(tmp_path / "none", folder_settings)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "a.png").write_bytes(GOOD)
    with pytest.raises(BadInput, match=r"no file with the texts of its images.*metadata\.csv"):
        pin_of(tmp_path / "bare", folder_settings)
    (tmp_path / "bare" / "metadata.csv").write_text("name,caption\na.png,a\n")
    (tmp_path / "bare" / "a.png").unlink()
    with pytest.raises(BadInput, match="finds no image"):
        pin_of(tmp_path / "bare", folder_settings)


def test_a_changed_image_is_another_source_and_never_read_by_halves(tmp_path, folder_settings, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(30))
    before = pin_of(folder, folder_settings)
    (folder / "0003.png").write_bytes(draw("red circle", "blue square", 99))
    assert pin_of(folder, folder_settings).digest != before.digest
    from pipeline.corpus.readers.image_folder import read
    from pipeline.reporter import SilentReporter

    with pytest.raises(SourceChanged, match=r"0003\.png changed since it was planned"):
        list(read(Source(kind="images", path=str(folder)), before, folder_settings, SilentReporter()))


def test_links_are_read_where_the_source_may_be_read(tmp_path, folder_settings, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(20))
    (folder / "0001.png").rename(tmp_path / "elsewhere.png")
    (folder / "0001.png").symlink_to(tmp_path / "elsewhere.png")
    (folder / "0002.png").unlink()
    (folder / "0002.png").symlink_to(tmp_path / "gone.png")
    corpus, counts = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    assert (counts["kept"], counts["quarantined"], counts["left_out_broken_link"]) == (19, 1, 1)
    assert list(reasons(corpus).values()) == ["there is no such image"]
    (folder / "0001.png").unlink()
    (folder / "0001.png").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="sources may not be read from"):
        pin_of(folder, folder_settings)


def test_a_document_is_forgotten_by_its_id(tmp_path, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(30))
    corpus, _ = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    gone = documents(corpus)[3]
    forgotten = Forgotten([Tombstone(number=1, time=datetime(2026, 1, 1, tzinfo=UTC), person="ada", ids=(gone.id,))])
    after, counts = ingest("images", folder, "b", columns=COLUMNS, task=TASK, filter=SHORT, forgotten=forgotten)
    assert counts["filtered_forgotten"] == 1
    assert gone.id not in {document.id for document in documents(after)}


def test_samples_and_the_page_show_images(tmp_path, ingest) -> None:
    folder = write_folder(tmp_path / "shapes", pictures(30))
    corpus, _ = ingest("images", folder, columns=COLUMNS, task=TASK, filter=SHORT)
    chosen = choose(corpus, Wanted(), 3)
    by_id = {document.id: document for document in documents(corpus)}
    assert [one.image for one in chosen] == [by_id[one.id].image for one in chosen]
    shown = Image.open(io.BytesIO(base64.b64decode(data_uri(chosen[0].image).partition(",")[2])))
    assert shown.tobytes() == chosen[0].image
    assert shown.info == {}
    assert images_of(corpus, []) == {}
