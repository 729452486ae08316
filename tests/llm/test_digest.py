import numpy as np
import torch

from llm.digest import INDEX_LAYERS, REPRESENTATIVES, Digester
from llm.spec import ModelSpec


def spec(layers):
    return ModelSpec("m", layers, 4, 2, 3, 12, 10, 100, torch.bfloat16, torch.device("cpu"))


def test_layers_are_spread_over_the_first_half():
    layers = Digester.of(spec(30)).layers
    assert len(layers) == len(set(layers)) == INDEX_LAYERS
    assert set(np.diff(layers)) <= {1, 2}
    assert layers[0] == 1
    assert layers[-1] == 15
    for depth in range(1, 40):
        few = Digester.of(spec(depth)).layers
        assert len(set(few)) == len(few) == min(INDEX_LAYERS, max(depth // 2, 1))
        assert max(few) < depth


def test_representatives_are_means_of_runs_of_neighbours():
    digester = Digester((1,), 6)
    keys = torch.randn(2, 2, 12, 3)
    digest = digester.digest(keys, 2, 10)
    assert digest.shape == (1, REPRESENTATIVES, 6)
    tokens = keys[1].transpose(0, 1).flatten(1)
    for run in range(2):
        torch.testing.assert_close(digest[0, run], tokens[2 + 4 * run : 6 + 4 * run].mean(0).half())


def test_a_short_block_has_fewer_and_one_that_says_nothing_is_known_by_its_marks():
    digester = Digester((0, 1), 6)
    keys = torch.randn(2, 2, 5, 3).bfloat16()
    assert digester.digest(keys, 1, 2).shape == (2, 1, 6)
    assert digester.digest(keys, 1, 3).dtype == torch.float16
    torch.testing.assert_close(digester.digest(keys, 4, 4), digester.digest(keys, 0, 5))


def test_a_query_is_the_mean_of_what_the_question_says():
    digester = Digester((0, 2), 6)
    queries = torch.randn(3, 7, 6)
    query = digester.query(queries, 2, 5)
    torch.testing.assert_close(query, queries[[0, 2], 2:5].mean(1))
