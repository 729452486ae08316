import os
from itertools import pairwise

import numpy as np
import pytest

from gateway.models import build_registry
from streams.config import load_config
from streams.errors import MediaError
from streams.sample import SHOTS, make_sample_video
from streams.types import US_PER_S, AudioChunk, Frame
from video.decode import MediaReader
from video.efficientnet import EfficientNetEncoder
from video.encoder import names

NAMED = {
    "a cup of coffee": "espresso coffee",
    "a cat": "cat",
    "a motorcycle": "motorcycle",
    "a rocket on its launch pad": "rocket",
    "a camera on a tripod": "tripod",
    "a Chinese palace": "palace or temple",
}


@pytest.fixture(scope="module")
def registry():
    return build_registry(load_config(environ=os.environ).models)


@pytest.fixture(scope="module")
def narration():
    tone = 0.4 * np.sin(2 * np.pi * 500 * np.arange(24_000) / 24_000)
    high = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    return [
        AudioChunk(5 * US_PER_S, 24_000, tone.astype(np.float32)),
        AudioChunk(30 * US_PER_S, 16_000, high.astype(np.float32)),
    ]


@pytest.fixture(scope="module")
def sample(registry, narration, tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "sample.mp4"
    return make_sample_video(registry.resolve("sample").path, out, narration=narration)


@pytest.fixture(scope="module")
def played(sample):
    with MediaReader(sample.path, video_fps=1 / 6) as reader:
        return reader.info, list(reader)


def test_about_three_minutes_in_scenes_without_gaps(sample, played):
    info, _ = played
    assert sample.duration_us == 180 * US_PER_S
    assert info.duration_us == pytest.approx(sample.duration_us, abs=100_000)
    assert (info.width, info.height, info.fps) == (640, 360, 12.0)
    assert [scene.name for scene in sample.scenes] == [shot.name for shot in SHOTS]
    assert sample.scenes[0].start_us == 0
    assert all(a.end_us == b.start_us for a, b in pairwise(sample.scenes))


def test_the_encoder_names_the_photographs_under_the_moving_camera(registry, sample, played):
    encoder = EfficientNetEncoder(registry.resolve("vision").path)
    frames = [item for item in played[1] if isinstance(item, Frame)]
    for scene in sample.scenes:
        inside = [frame for frame in frames if scene.start_us <= frame.pts_us < scene.end_us]
        said = [names(labels) for labels in encoder.label(inside, encoder.features(inside))]
        assert len(said) == 3
        if scene.name in NAMED:
            assert set(said) == {NAMED[scene.name]}
        else:
            assert set(said) <= {"", "animal", "animal on the left", "vehicle on the right"}


def test_every_scene_moves(played):
    frames = [item for item in played[1] if isinstance(item, Frame)]
    # Within a scene neighbours 6 s apart differ, though less than across a cut.
    moved = [np.abs(a.image.astype(int) - b.image).mean() for a, b in pairwise(frames)]
    assert min(moved) > 1


def test_the_narration_is_heard_at_its_times_and_nowhere_else(played):
    chunks = [item for item in played[1] if isinstance(item, AudioChunk)]
    sound = np.concatenate([chunk.samples for chunk in chunks])

    def loudness(start_s, end_s):
        return float(np.sqrt(np.mean(sound[int(start_s * 16_000) : int(end_s * 16_000)] ** 2)))

    def pitch(start_s):
        return np.abs(np.fft.rfft(sound[int(start_s * 16_000) :][:8_000])).argmax() * 2

    assert loudness(5.1, 5.9) == pytest.approx(0.28, abs=0.04)
    assert pitch(5.2) == 500
    assert pitch(30.2) == 1_000
    assert max(loudness(0, 4.9), loudness(6.2, 29.8), loudness(31.2, 180)) < 0.002


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"coffee\.png is missing"):
        make_sample_video(tmp_path, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_narration_past_the_end_is_refused(registry, tmp_path):
    late = AudioChunk(180 * US_PER_S, 24_000, np.zeros(100, dtype=np.float32))
    with pytest.raises(MediaError, match=r"narration ends at 180\.0 s"):
        make_sample_video(registry.resolve("sample").path, tmp_path / "out.mp4", narration=[late])
