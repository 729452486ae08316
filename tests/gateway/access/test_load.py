from gateway.access.load import Load


def test_what_is_waited_for_longest_counts():
    waits_s = {"llm": 1.5, "asr": 0.0}
    load = Load(lambda: waits_s, max_wait_ms=1_500)
    assert load.excess() is None
    waits_s["asr"] = 1.6
    excess = load.excess()
    assert excess is not None
    assert "asr waits 1.6 s" in excess
    waits_s["asr"] = 0.2
    assert load.excess() is None


def test_where_nothing_is_waited_for_there_is_room():
    assert Load(dict, max_wait_ms=1).excess() is None
