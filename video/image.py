"""Pictures pushed by clients: JPEG, PNG and WebP bytes to RGB, checked before they are decoded."""

from __future__ import annotations

import base64
import binascii
import io

import numpy as np
import PIL.Image
import PIL.ImageOps

from streams.config import VideoConfig
from streams.errors import MediaError
from streams.types import Image

JPEG_QUALITY = 80

SCAN_MARKER = b"\xff\xda"
MAX_SCANS = 64
"""Of a progressive JPEG, where encoders write ten. One of a few bytes is decoded over the whole picture."""


def decode_image(data: bytes, config: VideoConfig, *, param: str) -> Image:
    """The picture in ``data`` as uint8 RGB [height, width, 3], upright, on white where transparent.

    Raises MediaError naming ``param``: ``image_too_large`` for more than ``max_image_bytes`` or
    (by the header, before any pixel is decoded) ``max_pixels``, or so many scans that decoding them
    would take for ever; ``invalid_image`` for anything
    that is not a whole JPEG, PNG or WebP. Of an animation the first picture counts.
    """
    if len(data) > config.max_image_bytes:
        raise _too_large(f"{len(data)} bytes, at most {config.max_image_bytes} are taken", param)
    kind = _sniff(data)
    if kind is None:
        raise MediaError("not a JPEG, PNG or WebP image", param=param, code="invalid_image")
    if kind == "JPEG" and (scans := data.count(SCAN_MARKER)) > MAX_SCANS:
        raise _too_large(f"{scans} scans, at most {MAX_SCANS} are taken", param)
    try:
        with PIL.Image.open(io.BytesIO(data), formats=(kind,)) as image:
            width, height = image.size
            if width * height > config.max_pixels:
                raise _too_large(f"{width}x{height} pixels, at most {config.max_pixels} are taken", param)
            return upright_rgb(image)
    except MediaError:
        raise
    except PIL.Image.DecompressionBombError:
        raise _too_large("far too many pixels", param) from None
    except PIL.UnidentifiedImageError:  # names the buffer it was read from, which tells a client nothing
        message = f"the {kind} image is truncated or corrupt: it has no header that could be read"
        raise MediaError(message, param=param, code="invalid_image") from None
    # On hostile bytes Pillow's parsers raise nearly anything: OSError, SyntaxError, struct.error, …
    except Exception as error:
        message = f"the {kind} image is truncated or corrupt: {error}"
        raise MediaError(message, param=param, code="invalid_image") from error


def decode_data_url(url: str, config: VideoConfig, *, param: str) -> Image:
    """The picture in a ``data:image/…;base64,…`` URL (RFC 2397). Raises as ``decode_image`` does."""
    header, comma, payload = url.partition(",")
    if not comma or not header.startswith("data:image/") or not header.endswith(";base64"):
        raise MediaError("expected a data:image/…;base64,… URL", param=param, code="invalid_image")
    if len(payload) > 4 * (config.max_image_bytes // 3 + 1):
        raise _too_large(f"more than the {config.max_image_bytes} bytes that are taken", param)
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise MediaError("the data URL is not valid base64", param=param, code="invalid_image") from None
    return decode_image(data, config, param=param)


def thumbnail_jpeg(image: Image, max_side: int = 160) -> bytes:
    """``image`` as a small JPEG whose longer side is at most ``max_side`` pixels."""
    small = PIL.Image.fromarray(image)
    small.thumbnail((max_side, max_side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _sniff(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def upright_rgb(image: PIL.Image.Image) -> Image:
    """An opened picture as uint8 RGB [height, width, 3], turned as its Exif data ask, on white where it is
    transparent. Raises nearly anything where it is damaged."""
    image = PIL.ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        image = PIL.Image.new("RGBA", picture.size, "white")
        image.alpha_composite(picture)
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip instead of scale
        image = PIL.Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def _too_large(message: str, param: str) -> MediaError:
    return MediaError(f"image too large: {message}", param=param, code="image_too_large")
