import logging
import re
import socket
from itertools import pairwise

import numpy as np
import pytest

from streams.errors import MediaError
from streams.types import AudioChunk, Frame
from video.decode import MediaReader, printable


def read(path, **options):
    with MediaReader(path, **options) as reader:
        items = list(reader)
    frames = [item for item in items if isinstance(item, Frame)]
    sound = [item for item in items if isinstance(item, AudioChunk)]
    return reader, items, frames, sound


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts"])
def test_frames_and_sound_come_in_time_order_from_zero(tmp_path, make_video, name):
    _, items, frames, _ = read(make_video(tmp_path / name))
    times = [item.pts_us for item in items]
    assert times == sorted(times)
    assert min(times) == 0
    assert len(frames) == 20
    assert np.diff([frame.pts_us for frame in frames]).tolist() == pytest.approx([100_000] * 19, abs=1_000)
    assert [int(frame.image[40, 50, 0]) for frame in frames] == pytest.approx(range(0, 200, 10), abs=4)
    assert frames[0].image.dtype == np.uint8
    assert frames[0].image.shape == (48, 64, 3)


def test_sound_is_16_khz_mono_and_sounds_the_same(tmp_path, make_video):
    _, _, _, sound = read(make_video(tmp_path / "film.mp4"))
    samples = np.concatenate([chunk.samples for chunk in sound])
    assert {chunk.rate for chunk in sound} == {16_000}
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(32_000, abs=400)
    assert all(before.end_us == after.pts_us for before, after in pairwise(sound))
    spectrum = np.abs(np.fft.rfft(samples[4_000:20_000]))
    assert spectrum.argmax() == 440
    assert np.abs(samples[:30_000]).max() == pytest.approx(0.5, abs=0.05)
    assert np.abs(samples).max() <= 1


def test_info(tmp_path, make_video):
    with MediaReader(make_video(tmp_path / "film.mp4")) as reader:
        info = reader.info
    assert (info.width, info.height, info.fps) == (64, 48, 10.0)
    assert info.has_video
    assert info.has_audio
    assert info.duration_us == pytest.approx(2_000_000, abs=50_000)


def test_times_are_rebased_to_the_start_of_the_file(tmp_path, make_video):
    _, _, frames, _ = read(make_video(tmp_path / "late.ts", sound=False, first_pts=50))
    assert frames[0].pts_us == 0
    assert frames[-1].pts_us == 1_900_000


def test_a_film_filmed_sideways_comes_upright(tmp_path, make_video):
    _, _, frames, _ = read(make_video(tmp_path / "phone.mp4", rotation=90, sound=False))
    image = frames[5].image
    assert image.shape == (64, 48, 3)
    bright = image[:, :, 0] > 200
    assert bright[40:, :20].all()  # a quarter turn anticlockwise moves the upper left to the lower left
    assert not bright[:24].any()


def test_the_rate_is_thinned_before_conversion(tmp_path, make_video):
    reader, _, frames, _ = read(make_video(tmp_path / "film.mp4"), video_fps=2)
    assert [frame.pts_us for frame in frames] == [0, 500_000, 1_000_000, 1_500_000]
    assert reader.frames_skipped == 16


def test_a_file_without_sound(tmp_path, make_video):
    reader, items, frames, _ = read(make_video(tmp_path / "mute.mp4", sound=False))
    assert not reader.info.has_audio
    assert len(items) == len(frames) == 20


def test_a_file_without_video_is_refused_by_name_unless_wanted(tmp_path, make_video):
    path = make_video(tmp_path / "voice.m4a", picture=False)
    with pytest.raises(MediaError, match=r"voice\.m4a has no video"):
        MediaReader(path)
    _, items, _, sound = read(path, require_video=False)
    assert items == sound != []


def test_missing_file(tmp_path):
    with pytest.raises(MediaError, match=r"nowhere\.mp4 cannot be opened: No such file") as caught:
        MediaReader(tmp_path / "nowhere.mp4")
    assert caught.value.param == str(tmp_path / "nowhere.mp4")


def test_not_a_media_file(tmp_path):
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(MediaError, match=r"text\.mp4 is not a media file"):
        MediaReader(tmp_path / "text.mp4")


def test_an_mp4_cut_before_its_index_does_not_open(tmp_path, make_video):
    data = make_video(tmp_path / "film.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"cut\.mp4 is not a media file, or is truncated"):
        MediaReader(tmp_path / "cut.mp4")


@pytest.mark.parametrize(("name", "options"), [("film.mkv", {}), ("film.mp4", {"movflags": "faststart"})])
def test_a_truncated_file_yields_what_is_there_and_then_says_so(tmp_path, make_video, name, options):
    data = make_video(tmp_path / name, frames=80, options=options).read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    frames = []
    with (
        MediaReader(cut) as reader,
        pytest.raises(MediaError, match=re.escape(f"{cut.name} is truncated")) as e,
    ):
        frames += (item for item in reader if isinstance(item, Frame))
    assert e.value.code == "truncated_media"
    assert 20 < len(frames) < 60


def test_corrupt_packets_are_skipped_counted_and_logged(tmp_path, make_video, caplog):
    data = bytearray(make_video(tmp_path / "film.ts", frames=80).read_bytes())
    rng = np.random.default_rng(0)
    for start in range(len(data) // 4, len(data) * 3 // 4, 6_000):
        data[start : start + 400] = rng.bytes(400)
    (tmp_path / "torn.ts").write_bytes(data)
    with caplog.at_level(logging.WARNING, "streams"):
        reader, _, frames, _ = read(tmp_path / "torn.ts")
    assert reader.corrupt_packets > 0
    logged = [record for record in caplog.records if record.message == "corrupt_packet"]
    assert len(logged) == reader.corrupt_packets
    assert logged[0].fields["source"].endswith("torn.ts")
    assert len(frames) > 40
    times = [frame.pts_us for frame in frames]
    assert times == sorted(times)


def test_a_refused_connection_names_the_address_without_its_password():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(MediaError, match=rf"http://127\.0\.0\.1:{port}/film cannot be opened") as caught:
        MediaReader(f"http://user:secret@127.0.0.1:{port}/film")
    assert "secret" not in caught.value.message


def test_a_server_that_never_answers_times_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/film"
        with pytest.raises(MediaError, match="cannot be opened"):
            MediaReader(url, open_timeout_s=0.2, read_timeout_s=0.2)


def test_printable_keeps_what_is_no_secret():
    assert printable("rtsp://admin:p%40ss@cam.local:554/live?x=a@b") == "rtsp://cam.local:554/live?x=a@b"
    assert printable("/films/a@b.mp4") == "/films/a@b.mp4"
