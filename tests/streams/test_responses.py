import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InvalidRequestError
from streams.responses import MAX_OUT_OF_BAND, Responses

STEPS = st.lists(st.tuples(st.sampled_from(["begin", "beside", "end"]), st.integers(0, 9)), max_size=40)


@given(STEPS)
def test_one_in_the_conversation_and_a_few_beside_it(steps):
    responses, own, beside = Responses(), None, []
    for number, (step, which) in enumerate(steps):
        response_id = f"resp_{number}"
        active = [*([own] if own else []), *beside]
        full = own is not None if step == "begin" else len(beside) == MAX_OUT_OF_BAND
        if step == "end":
            if active:
                ended = active[which % len(active)]
                responses.end(ended)
                own = None if ended == own else own
                beside = [each for each in beside if each != ended]
        elif full:
            with pytest.raises(InvalidRequestError):
                responses.begin(response_id, in_conversation=step == "begin")
        else:
            responses.begin(response_id, in_conversation=step == "begin")
            own = response_id if step == "begin" else own
            beside += [response_id] if step == "beside" else []
        assert responses.in_conversation == own
        assert responses.active == [*([own] if own else []), *beside]


def test_without_an_id_the_conversations_is_meant():
    responses = Responses()
    responses.begin("resp_1", in_conversation=False)
    with pytest.raises(InvalidRequestError) as caught:
        responses.find(None)
    assert (caught.value.code, caught.value.param) == ("response_cancel_not_active", None)
    responses.begin("resp_2", in_conversation=True)
    assert [responses.find(each) for each in (None, "resp_1", "resp_2")] == ["resp_2", "resp_1", "resp_2"]
    with pytest.raises(InvalidRequestError) as caught:
        responses.find("resp_3")
    assert caught.value.param == "response_id"
