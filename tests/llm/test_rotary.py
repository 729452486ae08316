import pytest
import torch

from llm.rotary import Rotary

INV_FREQ = 1 / 100.0 ** (torch.arange(0, 12, 2) / 12)
ROWS = torch.tensor([0, 1, 2, 0, 1, 0])


@pytest.mark.parametrize("scaling", [1.0, 1.3])
def test_where_all_three_rows_agree_it_is_one_row(scaling):
    rotary = Rotary(INV_FREQ, scaling, ROWS)
    positions = torch.arange(5, 12)
    for mine, theirs in zip(
        rotary.at(positions.expand(3, -1), torch.float32), rotary.tables(5, 12, torch.float32), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_each_frequency_turns_by_its_own_row():
    rotary = Rotary(INV_FREQ, rows=ROWS)
    positions = torch.tensor([[3, 3], [7, 8], [20, 21]])
    cos, sin = rotary.at(positions, torch.float32)
    for place in range(2):
        for number, row in enumerate(ROWS.tolist()):
            angle = float(positions[row, place]) * INV_FREQ[number]
            for column, sign in ((number, -1), (number + 6, 1)):
                assert cos[place, column] == pytest.approx(float(angle.cos()), abs=1e-6)
                assert sin[place, column] == pytest.approx(sign * float(angle.sin()), abs=1e-6)
