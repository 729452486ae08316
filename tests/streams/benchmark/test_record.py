import pytest

from streams.benchmark.record import Videos, find_files
from streams.errors import ConfigError


def test_files_are_found_wherever_they_lie(folder):
    deep = folder.put("src/data/questions_real.json", [])
    folder.put("src/data/other.json", [])
    assert find_files(folder.path, ("questions_*.json",), "x") == [deep]


def test_a_folder_without_them_says_what_was_looked_for(folder, tmp_path):
    folder.put("other.json", [])
    with pytest.raises(ConfigError, match=r"holds no file of ovo-bench \(ovo_bench\*\.json"):
        folder.read("ovo-bench")
    with pytest.raises(ConfigError, match="is no folder"):
        find_files(tmp_path / "nowhere", ("*",), "x")


def test_a_file_that_is_not_json_is_told(folder):
    file = folder.put("ovo_bench.json", "[{")
    with pytest.raises(ConfigError, match=f"{file} is not JSON"):
        folder.read("ovo-bench")


def test_a_video_is_found_by_the_longest_end_of_its_path(folder):
    folder.video("b/clips/x.mp4")
    right = folder.video("a/clips/x.mp4")
    file = folder.put("q.json", [])
    videos = Videos(folder.path)
    assert videos.find("/home/them/a/clips/x.mp4", file, "[0]") == right
    assert videos.find("a\\clips\\x.mp4", file, "[0]") == right
    with pytest.raises(ConfigError, match="may be"):
        videos.find("c/x.mp4", file, "[0].video")


def test_what_is_not_there_is_left_out_only_when_that_is_asked_for(folder):
    file = folder.put("q.json", [])
    with pytest.raises(ConfigError) as missing:
        Videos(folder.path).find("x.mp4", file, "[2].video")
    assert missing.value.message == f"{file}: [2].video: there is no video 'x.mp4' under {folder.path}"
    videos = Videos(folder.path, available=True)
    assert videos.find("x.mp4", file, "[2].video") is None
    assert videos.missing == {"x.mp4"}


@pytest.mark.parametrize("named", ["{}/away/x.mp4", "../away/x.mp4", "data/../../away/x.mp4"])
def test_no_video_is_taken_from_outside_the_folder(named, folder, tmp_path):
    file = folder.put("data/q.json", [])
    away = folder.video("../away/x.mp4")
    assert away.is_file()
    videos = Videos(folder.path, available=True)
    assert videos.find(named.format(tmp_path), file, "[0].video") is None
    inside = folder.video("clips/x.mp4")
    assert Videos(folder.path).find(named.format(tmp_path), file, "[0].video") == inside


def test_a_video_is_found_by_the_path_that_is_named(folder, monkeypatch):
    file = folder.put("data/q.json", [])
    video = folder.video("clips/x.mp4")
    folder.video("x.mp4")
    for named in ("../clips/x.mp4", str(video), "clips/x.mp4"):
        assert Videos(folder.path).find(named, file, "[0].video") == video
    monkeypatch.chdir(folder.path.parent)
    inside = Videos(file.relative_to(folder.path.parent).parents[1])
    assert inside.find("../clips/x.mp4", file.relative_to(folder.path.parent), "[0]").resolve() == video
