"""The test file of docs/own_network.md passes beside the network of that page, and can fail."""

import os
import subprocess
import sys

import pytest

from tests.docs.outputs import FENCE, path_of
from tests.helpers import ROOT

NETWORK, TESTS = (
    next(
        found["body"]
        for found in FENCE.finditer(path_of("own_network").read_text("utf-8"))
        if words in found["body"]
    )
    for words in ("class SkipNet", "import pytest")
)
MISTAKES = {
    "none": ("", "", "3 passed"),
    "a term of the sum counts twice": (".backward(dout)  #", ".backward(2 * dout)  #", "2 failed"),
    "the gradient of the skip is lost": ("self.skip.dW", "0 * self.skip.dW", "2 failed"),
    "the skip is lost": (" + self.skip.forward(x)", " + 0 * self.skip.forward(x)", "3 failed"),
}


@pytest.mark.long
@pytest.mark.parametrize(("right", "wrong", "summary"), MISTAKES.values(), ids=MISTAKES)
def test_the_tests_of_a_project_find_a_mistake(right, wrong, summary, tmp_path):
    assert right in NETWORK
    (tmp_path / "skip_net.py").write_text(NETWORK.replace(right, wrong), encoding="utf-8")
    (tmp_path / "test_gradients.py").write_text(TESTS, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_gradients.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert summary in run.stdout, run.stdout
