"""Learning-rate schedules beside those of torch.optim.lr_scheduler."""

import numpy as np
import pytest

from dlbasics.schedules import CosineDecay, ExponentialDecay, StepDecay

torch = pytest.importorskip("torch")
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, StepLR  # noqa: E402


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (StepDecay(3, 0.1), lambda sgd: StepLR(sgd, 3, 0.1)),
        (ExponentialDecay(0.9), lambda sgd: ExponentialLR(sgd, 0.9)),
        (CosineDecay(), lambda sgd: CosineAnnealingLR(sgd, 12)),
        (CosineDecay(0.1), lambda sgd: CosineAnnealingLR(sgd, 12, eta_min=0.1)),
    ],
)
def test_the_rate_of_each_epoch_is_torchs(ours, theirs):
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler, rates = theirs(sgd), []
    for _ in range(12):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        scheduler.step()
    np.testing.assert_allclose([ours(epoch, 12) for epoch in range(12)], rates, atol=1e-12)
