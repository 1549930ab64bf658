"""Chapter 5, graphs_in_pytorch.py: the graphs of a framework, where it is installed."""

import numpy as np
import pytest

from ch05_backprop import graphs_in_pytorch
from dlbasics.experiment import LEFT_OUT
from tests.helpers import failed


def test_without_pytorch_only_our_numbers_are_there(monkeypatch):
    monkeypatch.setattr(graphs_in_pytorch, "find_spec", lambda name: None)
    result = graphs_in_pytorch.experiment.run()
    assert result.pytorch is None
    assert graphs_in_pytorch.plot(result) == {}
    values = [claim.value(result) for claim in graphs_in_pytorch.experiment.claims]
    assert values == [[4, 6, -2], *[LEFT_OUT] * 4]


def test_our_derivatives_are_those_of_the_mean_loss_of_the_batch():
    result = graphs_in_pytorch.experiment.run()
    scores = graphs_in_pytorch.X @ graphs_in_pytorch.W
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    dY = (y - np.eye(2)[graphs_in_pytorch.T]) / 2
    np.testing.assert_allclose(result.dX, dY @ graphs_in_pytorch.W.T, atol=1e-15)
    np.testing.assert_allclose(result.dW, graphs_in_pytorch.X.T @ dY, atol=1e-15)


def test_with_pytorch_all_claims_hold_and_the_figure_shows_the_graph():
    pytest.importorskip("torch")
    result = graphs_in_pytorch.experiment.run()
    assert failed(graphs_in_pytorch.experiment.claims, result) == []
    (axes,) = graphs_in_pytorch.plot(result)["graph"].axes
    assert {text.get_text() for text in axes.texts} >= set(result.pytorch.nodes)
    assert len(result.pytorch.arrows) == len(result.pytorch.nodes) - 1
