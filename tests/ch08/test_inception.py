"""Chapter 8, inception.py: what filters of 1 x 1 save."""

from ch08_deep import inception
from ch08_deep.inception import first_block


def test_the_first_block_of_the_original_is_counted():
    filters = [(192, 64, 1), (192, 96, 1), (96, 128, 3), (192, 16, 1), (16, 32, 5), (192, 32, 1)]
    weights = sum(n_in * n_out * size**2 for n_in, n_out, size in filters)
    block = first_block(True)
    assert block.parameters == weights + sum(n_out for _, n_out, _ in filters)
    assert block.multiplications == 28 * 28 * weights
    assert block.channels == first_block(False).channels == 64 + 128 + 32 + 32


def test_the_figure_shows_both_kinds_of_the_block():
    blocks = {
        kind: first_block(kind == inception.REDUCED) for kind in ("with 1 x 1 filters", "without")
    }
    costs = {kind: inception.Cost(1, 2, 3.0, [0.5]) for kind in blocks}
    (axes,) = inception.plot(inception.Result(blocks, costs))["figure_8_11"].axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths[2:] == [1, 1]
    assert all(0.3 < width < 0.5 for width in widths[:2])
