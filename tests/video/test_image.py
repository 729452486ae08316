import base64
import contextlib
import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.config import VideoConfig
from streams.errors import MediaError
from video.image import MAX_SCANS, SCAN_MARKER, decode_data_url, decode_image, thumbnail_jpeg

CONFIG = VideoConfig()
PICTURE = np.add.outer(np.arange(30) * 4, np.arange(40) * 3)[..., np.newaxis].repeat(3, 2).astype(np.uint8)
KINDS = ["JPEG", "PNG", "WEBP"]


def encode(kind, image=PICTURE, **options):
    buffer = io.BytesIO()
    picture = image if isinstance(image, PIL.Image.Image) else PIL.Image.fromarray(image)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_decodes_the_three_formats(kind):
    image = decode_image(encode(kind), CONFIG, param="image")
    assert image.dtype == np.uint8
    assert image.shape == (30, 40, 3)
    assert np.abs(image.astype(int) - PICTURE).mean() < 4


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused(kind):
    with pytest.raises(MediaError, match="not a JPEG, PNG or WebP") as caught:
        decode_image(encode(kind), CONFIG, param="item.content[0].image_url")
    assert (caught.value.code, caught.value.param) == ("invalid_image", "item.content[0].image_url")


def test_a_picture_of_which_only_the_signature_is_there_says_nothing_of_the_server():
    with pytest.raises(MediaError) as caught:
        decode_image(encode("PNG")[:8], CONFIG, param="image")
    assert caught.value.code == "invalid_image"
    assert "BytesIO" not in caught.value.message


def test_exif_rotation_is_applied():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    image = decode_image(encode("JPEG", exif=exif), CONFIG, param="image")
    assert image.shape == (40, 30, 3)
    assert np.abs(image.astype(int) - np.rot90(PICTURE, -1)).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_is_white(kind):
    picture = np.zeros((8, 8, 4), dtype=np.uint8)
    picture[:, 4:] = (255, 0, 0, 255)
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encode(kind, picture, **options), CONFIG, param="image")
    assert (image[:, :4] == 255).all()
    assert (image[:, 4:] == (255, 0, 0)).all()


def test_palettes_grey_16_bit_and_cmyk():
    def grey(image):
        return decode_image(image, CONFIG, param="image")[5, 5].tolist()

    flat = PIL.Image.new("L", (10, 10), 200)
    assert grey(encode("PNG", flat)) == [200, 200, 200]
    assert grey(encode("PNG", flat.convert("P"))) == [200, 200, 200]
    assert grey(encode("PNG", flat, transparency=200)) == [255, 255, 255]
    deep = PIL.Image.fromarray(np.full((10, 10), 200 * 256, dtype=np.uint16))
    assert grey(encode("PNG", deep)) == pytest.approx([200] * 3, abs=1)
    assert grey(encode("JPEG", flat.convert("CMYK"))) == pytest.approx([200] * 3, abs=2)


def test_too_many_bytes():
    data = encode("PNG")
    with pytest.raises(MediaError, match=f"{len(data)} bytes") as caught:
        decode_image(data, VideoConfig(max_image_bytes=len(data) - 1), param="image")
    assert caught.value.code == "image_too_large"


def test_too_many_pixels():
    with pytest.raises(MediaError, match="40x30 pixels") as caught:
        decode_image(encode("PNG"), VideoConfig(max_pixels=1199), param="image")
    assert caught.value.code == "image_too_large"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(MediaError) as caught:
        decode_image(bomb, CONFIG, param="image")
    assert caught.value.code == "image_too_large"


def enlarged(kind, side):
    """A small picture whose header says that it is ``side`` pixels wide and high."""
    if kind == "JPEG":
        data = bytearray(encode("JPEG"))
        start = data.index(b"\xff\xc0")  # a frame's header: length, precision, height, width
        data[start + 5 : start + 9] = struct.pack(">HH", side, side)
    elif kind == "animated WEBP":
        others = [PIL.Image.fromarray(PICTURE + each) for each in (40, 80)]
        data = bytearray(encode("WEBP", save_all=True, append_images=others, duration=40))
        assert data[12:16] == b"VP8X"
        data[24:30] = 2 * (side - 1).to_bytes(3, "little")
    elif kind == "lossless WEBP":
        data = bytearray(encode("WEBP", lossless=True))
        assert data[12:16] == b"VP8L"
        data[21:25] = ((side - 1) | (side - 1) << 14).to_bytes(4, "little")
    else:
        data = bytearray(encode("WEBP"))
        assert data[12:16] == b"VP8 "
        data[26:30] = struct.pack("<HH", side, side)
    return bytes(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 16_383])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "lossless WEBP", "animated WEBP"])
def test_more_pixels_than_are_taken_are_refused_by_the_header_of_every_format(kind, side):
    with pytest.raises(MediaError) as caught:
        decode_image(enlarged(kind, side), CONFIG, param="image")
    assert caught.value.code == "image_too_large"


def test_of_an_animation_the_first_picture_counts_however_many_there_are():
    others = [PIL.Image.fromarray(np.full((30, 40, 3), each % 256, np.uint8)) for each in range(300)]
    data = encode("WEBP", save_all=True, append_images=others, duration=1)
    assert np.abs(decode_image(data, CONFIG, param="image").astype(int) - PICTURE).mean() < 4


def test_scans_without_end_are_refused_and_those_of_a_progressive_picture_are_not():
    data = encode("JPEG", progressive=True)
    last = data[data.rindex(SCAN_MARKER) : -2]
    bomb = data[:-2] + last * MAX_SCANS + data[-2:]
    with pytest.raises(MediaError, match="scans") as caught:
        decode_image(bomb, CONFIG, param="image")
    assert caught.value.code == "image_too_large"
    assert decode_image(data, CONFIG, param="image").shape == PICTURE.shape


def test_text_in_a_picture_is_not_unpacked_without_end():
    data = encode("PNG")
    body = b"Comment\0\0" + zlib.compress(bytes(64 * 1024**2))
    crc = zlib.crc32(b"zTXt" + body)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", crc)
    with pytest.raises(MediaError, match="too large"):
        decode_image(data[:33] + chunk + data[33:], CONFIG, param="image")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_images_are_errors_not_half_pictures(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(kind, noise)
    with pytest.raises(MediaError, match="truncated or corrupt") as caught:
        decode_image(data[: int(len(data) * share)], CONFIG, param="image")
    assert (caught.value.code, caught.value.param) == ("invalid_image", "image")


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_hostile_bytes_decode_or_are_refused(kind, data):
    image = bytearray(encode(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.integers(12, len(image) - 1))] = data.draw(st.integers(0, 255))
    del image[data.draw(st.integers(12, len(image))) :]
    with contextlib.suppress(MediaError):
        decoded = decode_image(bytes(image), CONFIG, param="image")
        assert decoded.dtype == np.uint8
        assert decoded.ndim == 3
        assert decoded.shape[2] == 3


@given(st.binary(max_size=64))
def test_any_bytes_are_refused(data):
    with pytest.raises(MediaError):
        decode_image(data, CONFIG, param="image")


def test_data_urls():
    payload = base64.b64encode(encode("PNG")).decode()
    image = decode_data_url(f"data:image/png;base64,{payload}", CONFIG, param="image_url")
    np.testing.assert_array_equal(image, PICTURE)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://example.com/cat.png", "expected a data:"),
        ("data:image/png,abc", "expected a data:"),
        ("data:text/plain;base64,aGk=", "expected a data:"),
        ("data:image/png;base64,a_b*", "not valid base64"),
        ("data:image/png;base64,é", "not valid base64"),
        ("data:image/png;base64,", "not a JPEG"),
    ],
)
def test_bad_data_urls(url, problem):
    with pytest.raises(MediaError, match=problem) as caught:
        decode_data_url(url, CONFIG, param="image_url")
    assert (caught.value.code, caught.value.param) == ("invalid_image", "image_url")


def test_a_data_url_past_the_limit_is_not_decoded():
    with pytest.raises(MediaError) as caught:
        decode_data_url("data:image/png;base64," + "!" * 2_000, VideoConfig(max_image_bytes=1_000), param="x")
    assert caught.value.code == "image_too_large"


def test_thumbnails_are_small_jpegs_in_proportion():
    data = thumbnail_jpeg(np.zeros((300, 400, 3), dtype=np.uint8))
    assert decode_image(data, CONFIG, param="thumbnail").shape == (120, 160, 3)
    small = thumbnail_jpeg(PICTURE)
    assert decode_image(small, CONFIG, param="thumbnail").shape == PICTURE.shape
