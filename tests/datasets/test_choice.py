"""The choice between MNIST and the digits that are drawn here."""

import re
import socket

import numpy as np
import pytest

from dlbasics.datasets import choice, download
from dlbasics.datasets import mnist as mnist_module
from dlbasics.experiment import load_data

SAYS = "data: the embedded digits, as MNIST is not on this machine"


def lines_about_digits(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if "embedded digits" in line]


def test_auto_without_mnist_or_network_draws_digits_and_says_so(no_mnist, few_digits, capsys):
    data = load_data()
    assert (data.name, data.x_train.shape, data.x_test.shape) == ("digits", (60, 784), (20, 784))
    assert few_digits == [{}], "the whole data set, of the default seed"
    assert lines_about_digits(capsys) == [
        f"{SAYS} and could not be downloaded; accuracies differ from the book's"
    ]


def test_digits_that_were_asked_for_come_without_a_word(no_mnist, few_digits, monkeypatch, capsys):
    monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("MNIST was loaded"))
    monkeypatch.setenv("DLBASICS_DATA", str(no_mnist / "misspelt"))  # of no matter to digits
    assert load_data("digits").name == "digits"
    assert few_digits == [{}]
    assert capsys.readouterr().out == ""


def test_auto_gives_up_a_server_that_stalls_and_asks_it_once(
    no_mnist, few_digits, monkeypatch, capsys
):
    assert choice.DOWNLOAD_SECONDS == 15
    monkeypatch.setattr(choice, "DOWNLOAD_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts no connection
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(mnist_module, "MIRRORS", (url,))
        assert load_data().name == "digits"
        monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("asked again"))
        assert load_data("auto").name == "digits"
    assert len(lines_about_digits(capsys)) == 2
    assert mnist_module._failures == {}


def test_mnist_in_the_cache_is_found(found_mnist, few_digits, monkeypatch):
    load_data("auto")
    monkeypatch.delenv("DLBASICS_DATA")
    data = [load_data("auto", quick=quick) for quick in (False, True)]
    assert [(each.name, len(each.x_test)) for each in data] == [("mnist", 5)] * 2
    whole, quick = data
    for name in ("x_train", "t_train", "x_test", "t_test"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(whole, name), strict=True)


def test_quick_takes_the_first_images_of_mnist(found_mnist, monkeypatch):
    monkeypatch.setattr(choice, "TRAIN", 3)
    monkeypatch.setattr(choice, "TEST", 2)
    whole, quick = (load_data("mnist", quick=quick) for quick in (False, True))
    np.testing.assert_array_equal(quick.x_train, whole.x_train[:3])
    np.testing.assert_array_equal(quick.t_test, whole.t_test[:2])


def test_mnist_that_can_be_downloaded_in_time_is_used(no_mnist, few_digits, monkeypatch):
    asked = []

    def load_mnist(**options):
        asked.append(options)
        return (np.zeros((3, 784)), np.zeros(3)), (np.zeros((2, 784)), np.zeros(2))

    monkeypatch.setattr(mnist_module, "load_mnist", load_mnist)
    assert load_data("auto").name == "mnist"
    assert asked == [{"timeout": 15.0}]
    assert load_data("mnist").name == "mnist"
    assert asked[1:] == [{}], "a call that asks for MNIST waits for it"


@pytest.mark.parametrize("name", ["auto", "digits"])
def test_quick_takes_a_few_digits_without_cache_or_network(no_mnist, monkeypatch, capsys, name):
    monkeypatch.setattr(mnist_module, "load_mnist", lambda **_: pytest.fail("a download"))
    monkeypatch.setattr(download, "fetch", lambda *_, **__: pytest.fail("a download"))
    data = load_data(name, quick=True)
    assert data.name == "digits"
    assert data.x_train.shape == (2_000, 784)
    assert data.x_test.shape == (500, 784)
    assert data.x_train.dtype == np.float32
    assert data.t_train.dtype == data.t_test.dtype == np.uint8
    assert not no_mnist.exists()
    says = [f"{SAYS}; accuracies differ from the book's"] if name == "auto" else []
    assert lines_about_digits(capsys) == says


def test_an_unknown_name_is_an_error():
    expected = "name must be 'auto', 'mnist' or 'digits', got 'cifar'"
    with pytest.raises(ValueError, match=re.escape(expected)):
        load_data("cifar")


def test_quick_must_be_true_or_false():
    with pytest.raises(TypeError, match="quick must be True or False, got 'no'"):
        load_data("digits", quick="no")
