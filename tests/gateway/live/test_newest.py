from gateway.live.newest import Newest


def test_the_first_added_leaves_past_the_limit():
    newest = Newest(2)
    newest["a"] = 1
    newest["b"] = 2
    newest["a"] = 3
    newest.setdefault("c", 4)
    assert dict(newest) == {"b": 2, "c": 4}
    assert newest.pop("b") == 2
    newest.update(d=5)
    assert dict(newest) == {"c": 4, "d": 5}
