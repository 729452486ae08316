import numpy as np
import pytest

from streams.errors import ConfigError
from streams.train.features import cached_features, features_key
from streams.train.sample import Facts


class Encoder:
    """Features that say what colour a picture has; counts how many it looked at."""

    name = "mean"

    def __init__(self, factor=1.0):
        self.looked = 0
        self._factor = factor

    def features(self, images):
        self.looked += len(images)
        rows = np.stack([image.reshape(-1, 3).mean(0) for image in images]).astype(np.float32)
        return np.repeat(rows[:, None], 5, axis=1) * self._factor


class Greys:
    """Pictures that get brighter."""

    def __init__(self, count, start=0, fingerprint="greys"):
        self.facts = [Facts(())] * count
        self.fingerprint = fingerprint
        self._count, self._start = count, start

    def __len__(self):
        return self._count

    def draw(self, number):
        return np.full((4, 6, 3), self._start + number, np.uint8)


def test_kept_features_are_those_worked_out_afresh(tmp_path):
    encoder, pictures = Encoder(), Greys(70)
    done = []
    first = cached_features(pictures, encoder, tmp_path, done.append)
    assert sum(done) == 70
    fresh = encoder.features([pictures.draw(number) for number in range(70)])
    assert np.array_equal(first, fresh.astype(np.float16))
    looked = encoder.looked
    again = cached_features(pictures, encoder, tmp_path)
    assert np.array_equal(again, first)
    assert encoder.looked - looked == 1  # the probe of the key


@pytest.mark.parametrize(
    "other",
    [Greys(71), Greys(70, start=1), Greys(70, fingerprint="others")],
    ids=["more", "pixels", "sources"],
)
def test_other_pictures_have_a_file_of_their_own(other):
    assert features_key(Greys(70), Encoder()) != features_key(other, Encoder())


def test_another_encoder_has_a_file_of_its_own():
    assert features_key(Greys(9, start=1), Encoder()) != features_key(Greys(9, start=1), Encoder(factor=2.0))


def test_the_key_is_the_same_where_sums_come_out_a_little_otherwise():
    pictures = Greys(9, start=1)
    assert features_key(pictures, Encoder()) == features_key(pictures, Encoder(factor=1 + 1e-6))


def test_two_runs_at_once_do_not_write_into_one_file(tmp_path):
    class Meeting(Encoder):
        """Another run works the same features out while this one does."""

        def features(self, images):
            if self.looked == 33:  # after the probe and a batch
                self.other = np.array(cached_features(Greys(70), Encoder(), tmp_path))
            return super().features(images)

    encoder = Meeting()
    ours = cached_features(Greys(70), encoder, tmp_path)
    assert np.array_equal(ours, encoder.other)
    assert [file.suffix for file in tmp_path.iterdir()] == [".npy"]


@pytest.mark.parametrize("left", [0, 20, 200])
def test_a_damaged_file_is_named(tmp_path, left):
    cached_features(Greys(70), Encoder(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ConfigError, match=rf"{file.name} is damaged") as told:
        cached_features(Greys(70), Encoder(), tmp_path)
    assert told.value.param == "run.cache"


def test_half_a_file_is_not_taken_for_one(tmp_path):
    class Broken(Greys):
        def draw(self, number):
            if number == 66:  # no probe
                raise OSError("cannot read")
            return super().draw(number)

    with pytest.raises(ConfigError, match="cannot keep features"):
        cached_features(Broken(70), Encoder(), tmp_path)
    assert not list(tmp_path.iterdir())
