"""Images as a corpus holds them: the pixels of one size in RGB, and nothing else of the file.

A file of any size, orientation and kind of pixels becomes a square: the centre is cut out and resized. So neither a compressor nor its version
has a say in the bytes of a corpus, nobody decodes twice, and what a camera wrote beside the pixels (place, time, owner) is gone.
"""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are read, by the first bytes of a file and not by its name. A film gives its first frame."""

MAX_BYTES = 64 << 20
"""Longest file. Planning knows the length, so a longer one is not read."""

MAX_PIXELS = 52_000_000
"""Most pixels that are decoded: a photo of 50 megapixels passes. With transparency they take 416 MB while they are resized."""
TOO_LARGE = f"an image of more than {MAX_PIXELS // 1_000_000} million pixels"

ORIENTATION = 0x0112
"""EXIF tag: how the camera was held."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Orientation → what makes it upright."""


class BadImage(ValueError):
    """Bytes that give no image; the message says why, in the same few words for all with this problem."""


def square(content: bytes, side: int) -> bytes:
    """The pixels of an image file, as a square.

    Args:
        content: the bytes of the file.
        side: pixels of each side of the square.

    Returns:
        RGB, row by row: ``side * side * 3`` bytes. Transparent pixels are white.

    Raises:
        BadImage: it is no image, damaged, or too large.
    """
    if not content:
        raise BadImage("the image is empty")
    if len(content) > MAX_BYTES:
        raise BadImage(f"an image of more than {MAX_BYTES >> 20} MB")
    if _is_svg(content):
        raise BadImage("SVG is no image of pixels")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and odd tags; their size is checked below
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                return _square(image, side)
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage(f"no image of a known format: {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise BadImage(TOO_LARGE) from None
    except Exception as error:
        raise BadImage("the image is cut or damaged") from error


def _square(image: Image.Image, side: int) -> bytes:
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(TOO_LARGE)
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    image = _eight_bits(image)
    short = min(image.size)
    left, top = (image.width - short) / 2, (image.height - short) / 2
    small = image.resize((side, side), Image.Resampling.BICUBIC, (left, top, left + short, top + short))
    if small.mode in ("RGBA", "LA"):
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small.convert("RGBA"))
    small = small.convert("RGB")
    return (small.transpose(turn) if turn is not None else small).tobytes()


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image in a mode that can be resized, with eight bits for each colour."""
    if image.mode in ("I", "F"):
        raise BadImage("an image of 32 bits for each pixel")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info and image.mode != "RGBA":
        return image.convert("RGBA")
    if image.mode in ("P", "1", "PA"):
        return image.convert("RGBA" if image.mode == "PA" else "RGB")
    image.load()
    return image


def _is_svg(content: bytes) -> bool:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype svg"))
