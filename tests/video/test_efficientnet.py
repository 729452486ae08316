import json
import shutil

import numpy as np
import PIL.Image
import pytest

from streams.config import VideoConfig
from streams.errors import ModelError, ModelNotFoundError
from streams.types import Frame
from video.decode import MediaReader
from video.efficientnet import EfficientNetEncoder, make_namer
from video.image import decode_image


@pytest.fixture(scope="module")
def encoder(vision_dir):
    return EfficientNetEncoder(vision_dir, VideoConfig().min_confidence)


@pytest.fixture(scope="module")
def picture(photograph):
    def load(name, pts_us=0):
        return Frame(pts_us, decode_image(photograph(name).read_bytes(), VideoConfig(), param=name))

    return load


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("coffee.png", "espresso coffee"),
        ("chelsea.png", "cat"),
        ("motorcycle_left.png", "motorcycle"),
        ("camera.png", "tripod"),
        ("china.jpg", "palace or temple"),
    ],
)
def test_names_what_photographs_show(encoder, picture, name, text):
    (sighting,) = encoder.encode([picture(name, 7)])
    assert sighting.text == text
    assert sighting.pts_us == sighting.embedding.pts_us == 7


@pytest.mark.parametrize(
    "name", ["grass.png", "coins.png", "moon.png", "hubble_deep_field.jpg", "astronaut.png"]
)
def test_says_nothing_of_what_it_does_not_know(encoder, picture, name):
    assert encoder.encode([picture(name)])[0].labels == ()


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4"])
def test_of_moving_video_it_says_little(encoder, photograph, name):
    with MediaReader(photograph(name), video_fps=1) as reader:
        frames = [item for item in reader if isinstance(item, Frame)]
    said = {label.name for sighting in encoder.encode(frames) for label in sighting.labels}
    assert said <= {"animal", "vehicle", "bicycle", "car"}


def test_two_things_side_by_side_are_named_where_they_are(encoder, picture):
    def half(name):
        return np.asarray(PIL.Image.fromarray(picture(name).image).resize((320, 360)))

    frame = Frame(0, np.hstack([half("coffee.png"), half("camera.png")]))
    assert encoder.encode([frame])[0].text == "espresso coffee on the left, tripod on the right"


def test_batched_equals_one_by_one(encoder, picture):
    names = ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png", "china.jpg", "moon.png"]
    frames = [picture(name, i) for i, name in enumerate(names)]
    together = encoder.encode(frames)
    for frame, batched in zip(frames, together, strict=True):
        (alone,) = encoder.encode([frame])
        assert alone.text == batched.text
        assert alone.pts_us == batched.pts_us
        np.testing.assert_allclose(alone.embedding.vectors, batched.embedding.vectors, atol=1e-4)
        assert [label.confidence for label in alone.labels] == pytest.approx(
            [label.confidence for label in batched.labels], abs=1e-4
        )


def test_embeddings_are_unit_vectors_near_for_similar_pictures(encoder, picture):
    cat, coffee = picture("chelsea.png"), picture("coffee.png")
    mirrored = Frame(0, np.ascontiguousarray(cat.image[:, ::-1]))
    vectors = [sighting.embedding.vectors for sighting in encoder.encode([cat, mirrored, coffee])]
    assert {vector.shape for vector in vectors} == {(1, 1280)}
    assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}
    similar, different = ((vectors[0] @ vectors[i].T).item() for i in (1, 2))
    assert np.linalg.norm(vectors[0]) == pytest.approx(1)
    assert similar > 0.8 > different


def test_a_plain_frame_is_said_to_be_plain(encoder):
    frame = Frame(0, np.zeros((48, 64, 3), dtype=np.uint8))
    assert encoder.encode([frame])[0].text == "plain black picture"


def test_frames_of_any_size_down_to_one_pixel(encoder):
    frames = [Frame(0, np.zeros((h, w, 3), dtype=np.uint8)) for h, w in [(1, 1), (2, 300), (300, 2)]]
    assert len(encoder.encode(frames)) == 3
    assert encoder.encode([]) == []


def test_a_higher_limit_says_less(vision_dir, picture):
    strict = EfficientNetEncoder(vision_dir, 0.8)
    assert strict.encode([picture("china.jpg")])[0].labels == ()
    assert strict.encode([picture("coffee.png")])[0].text == "espresso coffee"


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"config\.json is missing") as caught:
        EfficientNetEncoder(tmp_path)
    assert caught.value.param == str(tmp_path)


@pytest.mark.parametrize("break_it", ["truncated weights", "no weights", "bad json", "unknown architecture"])
def test_a_broken_model_is_a_model_error(tmp_path, vision_dir, break_it):
    shutil.copytree(vision_dir, tmp_path / "model")
    config, weights = tmp_path / "model/config.json", tmp_path / "model/model.safetensors"
    if break_it == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:100_000])
    elif break_it == "no weights":
        weights.unlink()
    elif break_it == "bad json":
        config.write_text("{")
    else:
        config.write_text(json.dumps(json.loads(config.read_text()) | {"architecture": "no_such_net"}))
    with pytest.raises(ModelError, match="model") as caught:
        EfficientNetEncoder(tmp_path / "model")
    assert caught.value.param == str(tmp_path / "model")


def test_a_model_that_leaves_imagenets_names_out_has_them(tmp_path, vision_dir):
    shutil.copytree(vision_dir, tmp_path / "model")
    path = tmp_path / "model/config.json"
    config = json.loads(path.read_text())
    for place in (config, config["pretrained_cfg"]):
        place.pop("label_names", None)
        place.pop("label_descriptions", None)
    path.write_text(json.dumps(config))
    EfficientNetEncoder(tmp_path / "model")


def test_a_model_without_class_names_is_refused(tmp_path):
    with pytest.raises(ModelError, match="label_names"):
        make_namer({"num_classes": 7}, tmp_path, 0.35)
