"""The command that trains the pad's networks, and the files that it made."""

import numpy as np
import pytest

from dlbasics.data import label_smoothing
from dlbasics.networks import DeepConvNet
from dlbasics.pad import train
from dlbasics.pad.networks import FILES, network_from, shipped_networks
from dlbasics.storage import load_arrays
from tests.helpers import few_digits, normal

pytestmark = pytest.mark.long


def rng(seed=0):
    return np.random.default_rng(seed)


def few_images(count=200):
    data = few_digits()
    return data.x_train[:count].reshape(-1, 1, 28, 28), data.t_train[:count]


@pytest.mark.parametrize("name", train.PLANS)
def test_the_files_hold_what_the_command_writes(name):
    arrays = load_arrays(train.Path(train.__file__).with_name(FILES[name]))
    params = train.PLANS[name].make(rng()).params
    assert {key: arrays[key].shape for key in params} == {k: p.shape for k, p in params.items()}
    assert all(arrays[key].dtype == np.float16 for key in params)


def test_the_files_are_small():
    folder = train.Path(train.__file__).parent
    assert sum((folder / file).stat().st_size for file in FILES.values()) < 1_500_000


def test_the_networks_of_the_files_read_digits_and_convolution_helps():
    data = few_digits()
    x = data.x_train.reshape(-1, 1, 28, 28)
    two, simple, deep = (
        network.accuracy(x if network.input_dim else data.x_train, data.t_train)
        for network in shipped_networks().values()
    )
    assert 0.9 < two < min(simple, deep)
    assert min(simple, deep) > 0.97


@pytest.mark.parametrize("name", train.PLANS)
def test_training_lowers_the_loss_and_a_seed_repeats_it(name):
    x, t = few_images()
    networks = [train.trained(train.PLANS[name], x, t, rng(1), epochs=3) for _ in range(2)]
    for first, again in zip(*(network.params.values() for network in networks), strict=True):
        np.testing.assert_array_equal(first, again)
    x = x if networks[0].input_dim else x.reshape(len(x), -1)
    labels = label_smoothing(t)
    start = train.PLANS[name].make(rng(1)).loss(x, labels)
    assert networks[0].loss(x, labels) < start - 0.01


def test_the_command_writes_the_files_and_prints_the_accuracies(monkeypatch, tmp_path, capsys):
    data = few_digits()
    x, t = data.x_train.reshape(-1, 1, 28, 28), data.t_train
    monkeypatch.setattr(train, "load_mnist", lambda flatten: ((x, t), (x[:50], t[:50])))
    train.main(["--images", "100", "--epochs", "1", "--folder", str(tmp_path)])
    printed = capsys.readouterr().out
    for name, file in FILES.items():
        assert f"{name}: 140 images" in printed  # 40 of them are embedded digits
        network = network_from(tmp_path / file)
        assert load_arrays(tmp_path / file)["W1"].dtype == np.float16
        images = x[:50] if network.input_dim else x[:50].reshape(50, -1)
        assert f"accuracy on MNIST: {network.accuracy(images, t[:50]):.4f}" in printed


def test_validation_holds_back_the_last_training_images(monkeypatch, tmp_path, capsys):
    data = few_digits()
    x, t = data.x_train[:300].reshape(-1, 1, 28, 28), data.t_train[:300]
    learned = []

    def trained(plan, x, t, rng, epochs):
        learned.append((x, t))
        return plan.make(rng)

    monkeypatch.setattr(train, "load_mnist", lambda flatten: ((x, t), (None, None)))
    monkeypatch.setattr(train, "trained", trained)
    monkeypatch.setattr(train, "HELD_BACK", 60)
    train.main(["--validation", "--only", "TwoLayerNet", "--folder", str(tmp_path)])
    assert [file.name for file in tmp_path.iterdir()] == [FILES["TwoLayerNet"]]
    ((x_learned, t_learned),) = learned
    np.testing.assert_array_equal(x_learned[:240], x[:240])
    np.testing.assert_array_equal(t_learned[:240], t[:240])
    assert len(x_learned) == len(t_learned) == 240 + 96
    network = network_from(tmp_path / FILES["TwoLayerNet"])
    accuracy = network.accuracy(x[240:].reshape(60, -1), t[240:])
    assert f"accuracy on MNIST: {accuracy:.4f}" in capsys.readouterr().out


def test_the_books_dropout_ratio_leaves_the_predictions_as_they_are():
    network = DeepConvNet(rng=0)
    network.params["b8"][:] = rng().normal(size=10)
    for layer, ratio in zip(train.dropouts(network), train.DROPOUT, strict=True):
        layer.dropout_ratio = ratio
    x = normal(5, 1, 28, 28, dtype=np.float32)
    before = network.predict(x)
    after = train.with_the_books_dropout(network)
    assert [layer.dropout_ratio for layer in train.dropouts(after)] == [0.5, 0.5]
    np.testing.assert_allclose(after.predict(x), before, rtol=1e-5, atol=1e-5)
    fresh = DeepConvNet(rng=1)  # as the pad reads the file
    for key, param in after.params.items():
        fresh.params[key] = param
    np.testing.assert_allclose(fresh.predict(x), before, rtol=1e-5, atol=1e-5)


def test_varied_images_are_images_and_all_differ():
    x, _ = few_images(50)
    before = x.copy()
    y = train.varied(x, 1.0, rng())
    np.testing.assert_array_equal(x, before)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.min() >= -1e-6 and y.max() <= 1 + 1e-6
    assert (np.abs(y - x).max(axis=(1, 2, 3)) > 0.1).all()


def test_the_pen_becomes_wider_or_narrower():
    x = np.zeros((400, 1, 28, 28), np.float32)
    x[:, :, 4:24, 12:15] = 1  # 3 pixels wide
    y = train.other_pens(x, 1.0, rng())
    widths = y[:, 0, 14].sum(axis=1)
    assert 1.5 < widths.min() < 2 and 4.7 < widths.max() <= 5
    assert 0.3 < np.mean(widths > 3) < 0.8
    np.testing.assert_array_equal(train.other_pens(x, 0.0, rng()), x)


@pytest.mark.parametrize("axis", [0, 1])
def test_coarse_images_have_no_fine_detail_and_the_others_stay(axis):
    x = np.tile(np.indices((28, 28))[axis] % 2, (200, 1, 1, 1)).astype(np.float32)
    y = train.coarse(x, 0.3, rng())
    changed = (y != x).any(axis=(1, 2, 3))
    assert 0.15 < changed.mean() < 0.45
    assert np.abs(y[changed] - 0.5).max() < 0.4
    np.testing.assert_array_equal(train.coarse(x, 0.0, rng()), x)
    flat = np.full((10, 1, 28, 28), 0.3, np.float32)
    np.testing.assert_allclose(train.coarse(flat, 1.0, rng()), 0.3, rtol=1e-5)
