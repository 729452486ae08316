import json
import shutil

import numpy as np
import PIL.Image
import pytest
import timm
import torch

from streams.config import VideoConfig
from streams.errors import ModelError, ModelNotFoundError
from streams.types import Frame
from video.decode import MediaReader
from video.efficientnet import EfficientNetEncoder, make_namer
from video.encoder import names
from video.image import decode_image


@pytest.fixture(scope="module")
def encoder(vision_dir):
    return EfficientNetEncoder(vision_dir, VideoConfig().min_confidence)


@pytest.fixture(scope="module")
def picture(photograph):
    def load(name, pts_us=0):
        return Frame(pts_us, decode_image(photograph(name).read_bytes(), VideoConfig(), param=name))

    return load


def label(encoder, frames):
    return encoder.label(frames, encoder.features(frames))


def said(encoder, frames):
    return [names(labels) for labels in label(encoder, frames)]


def vectors(encoder, image):
    (seen,) = encoder.features([Frame(0, image)])
    return seen.embedding.vectors


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
    assert said(encoder, [picture(name)]) == [text]


@pytest.mark.parametrize(
    "name", ["grass.png", "coins.png", "moon.png", "hubble_deep_field.jpg", "astronaut.png"]
)
def test_says_nothing_of_what_it_does_not_know(encoder, picture, name):
    assert label(encoder, [picture(name)]) == [()]


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4"])
def test_of_moving_video_it_says_little(encoder, photograph, name):
    with MediaReader(photograph(name), video_fps=1) as reader:
        frames = [item for item in reader if isinstance(item, Frame)]
    named = {each.name for labels in label(encoder, frames) for each in labels}
    assert named <= {"animal", "vehicle", "bicycle", "car"}


def test_two_things_side_by_side_are_named_where_they_are(encoder, picture):
    def half(name):
        return np.asarray(PIL.Image.fromarray(picture(name).image).resize((320, 360)))

    frame = Frame(0, np.hstack([half("coffee.png"), half("camera.png")]))
    assert said(encoder, [frame]) == ["espresso coffee on the left, tripod on the right"]


def test_batched_equals_one_by_one(encoder, picture):
    photographs = ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png", "china.jpg", "moon.png"]
    frames = [picture(name, i) for i, name in enumerate(photographs * 3)]  # more than one batch
    features = encoder.features(frames)
    together = encoder.label(frames, features)
    for frame, seen, labels in zip(frames, features, together, strict=True):
        (alone,) = encoder.features([frame])
        assert alone.embedding.pts_us == seen.embedding.pts_us == frame.pts_us
        np.testing.assert_allclose(alone.embedding.vectors, seen.embedding.vectors, atol=1e-4)
        (named,) = encoder.label([frame], [alone])
        assert names(named) == names(labels)
        assert [each.confidence for each in named] == pytest.approx(
            [each.confidence for each in labels], abs=1e-4
        )


def test_some_frames_are_named_as_among_all(encoder, picture):
    frames = [picture(name) for name in ("coffee.png", "moon.png", "chelsea.png")]
    features = encoder.features(frames)
    assert [names(each) for each in encoder.label(frames[1:], features[1:])] == ["", "cat"]


def test_features_are_the_mean_of_a_grid_of_places(encoder, picture):
    rows = vectors(encoder, picture("chelsea.png").image)
    assert rows.shape == (50, 1280)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0], rows[1:].mean(axis=0), atol=1e-5)


def test_the_grid_goes_row_by_row_over_the_entire_frame(encoder, picture):
    cat = np.asarray(PIL.Image.fromarray(picture("chelsea.png").image).resize((448, 448)))
    black = np.zeros((448, 448, 3), dtype=np.uint8)
    plain, beside, below = (
        vectors(encoder, image)[1:].reshape(7, 7, -1)
        for image in (black, np.hstack([black, cat]), np.vstack([black, cat]))
    )
    across, down = (np.abs(grid - plain).mean(axis=-1) for grid in (beside, below))
    assert 4 * across[:, :2].mean() < across[:, 5:].mean()
    assert 4 * down[:2].mean() < down[5:].mean()


class Counting(torch.nn.Module):
    """A network that counts the pictures that it is shown."""

    def __init__(self, network):
        super().__init__()
        self.network, self.shown = network, 0

    def forward_features(self, pixels):
        self.shown += len(pixels)
        return self.network.forward_features(pixels)

    def forward_head(self, grid):
        return self.network.forward_head(grid)


def test_features_take_one_look_and_names_more_only_where_there_is_something_to_name(
    vision_dir, picture, monkeypatch
):
    encoder = EfficientNetEncoder(vision_dir)
    counting = Counting(encoder._model)
    monkeypatch.setattr(encoder, "_model", counting)
    black = Frame(0, np.zeros((360, 640, 3), dtype=np.uint8))
    frames = [black, picture("moon.png"), picture("astronaut.png"), picture("rocket.jpg")]
    features = encoder.features(frames)
    assert counting.shown == 4
    taken = []
    for frame, seen in zip(frames, features, strict=True):
        counting.shown = 0
        encoder.label([frame], [seen])
        taken.append(counting.shown)
    # The middle of a square picture; of a wide one its halves, too, which here are sure of nothing.
    assert taken == [0, 1, 1, 3]


@pytest.mark.parametrize("architecture", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_models_that_give_their_places_otherwise_have_features_too(tmp_path, architecture):
    small = {"embed_dim": 24, "num_heads": 2} if "vit" in architecture else {"embed_dim": 24}
    model = timm.create_model(architecture, num_classes=1000, **small)
    timm.models.save_for_hf(model, tmp_path, model_args=small, safe_serialization=True)
    rows = vectors(EfficientNetEncoder(tmp_path), np.zeros((20, 30, 3), dtype=np.uint8))
    assert rows.shape == ((197, 24) if "vit" in architecture else (50, 192))


def test_features_of_similar_pictures_are_near(encoder, picture):
    cat, coffee = picture("chelsea.png").image, picture("coffee.png").image
    mirrored = np.ascontiguousarray(cat[:, ::-1])
    pooled = np.stack([vectors(encoder, image)[0] for image in (cat, mirrored, coffee)])
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    assert pooled[0] @ pooled[1] > 0.8 > pooled[0] @ pooled[2]


def test_a_plain_frame_is_said_to_be_plain(encoder):
    frame = Frame(0, np.zeros((48, 64, 3), dtype=np.uint8))
    assert said(encoder, [frame]) == ["plain black picture"]


def test_frames_of_any_size_down_to_one_pixel(encoder):
    frames = [Frame(0, np.zeros((h, w, 3), dtype=np.uint8)) for h, w in [(1, 1), (2, 300), (300, 2)]]
    assert len(label(encoder, frames)) == 3
    assert label(encoder, []) == []


def test_a_higher_limit_says_less(vision_dir, picture):
    strict = EfficientNetEncoder(vision_dir, 0.8)
    assert said(strict, [picture("china.jpg"), picture("coffee.png")]) == ["", "espresso coffee"]


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
