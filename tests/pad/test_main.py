"""The command line: python -m dlbasics.pad."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlbasics import TwoLayerNet
from dlbasics.datasets import load_digits
from dlbasics.pad import __main__ as program
from tests.pad.sheets import line_of

pytestmark = pytest.mark.long


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with pictures of a 7, and of a 3, a 0 and a 4; it is the current one."""
    (x, t), _ = load_digits(train=60, test=0)
    images = {k: x[np.flatnonzero(t == k)[0]].reshape(28, 28) for k in range(10)}
    for name, digits in (("seven.png", [7]), ("three.jpg", [3, 0, 4])):
        sheet = line_of([images[k] for k in digits])
        Image.fromarray(sheet).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *argv):
    """Return the exit code, and the lines of output and of errors."""
    code = program.main([*map(str, argv)])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_a_line_for_each_picture(folder, capsys):
    code, out, err = run(capsys, "seven.png", "three.jpg", folder / "seven.png")
    assert (code, err) == (0, [])
    assert [line.rpartition(":")[0] for line in out] == [
        "seven.png", "three.jpg", str(folder / "seven.png")
    ]  # fmt: skip
    read = [[part.split() for part in line.rpartition(":")[2].split(",")] for line in out]
    assert [[digit for digit, _ in parts] for parts in read] == [["7"], ["3", "0", "4"], ["7"]]
    for _, p in (part for parts in read for part in parts):
        assert len(p) == 4 and 0.1 < float(p) <= 1


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(folder, capsys):
    (folder / "text.png").write_text("no picture", encoding="utf-8")
    Image.new("L", (50, 50), "white").save(folder / "blank.png")
    (folder / "cut.png").write_bytes((folder / "seven.png").read_bytes()[:150])
    (folder / "album").mkdir()
    wrong = ["nothing.png", "text.png", "blank.png", "cut.png", "album", "", "a\0b"]
    code, out, err = run(capsys, *wrong, "seven.png")
    assert code == 1
    assert len(out) == 1 and out[0].startswith("seven.png: 7 ")
    assert len(err) == len(wrong)
    for line, name, text in zip(
        err,
        wrong,
        ["No such file", "expected a picture", "got no ink", "got", "the folder album", "path", ""],
        strict=True,
    ):
        assert line.startswith(f"{name}: ") and text in line
        assert line.count("blank.png") <= 1, "the name comes once"


def test_pictures_are_turned_upright(folder, capsys):
    picture = Image.open("three.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save("turned.jpg", exif=exif, quality=95)
    _, out, _ = run(capsys, "three.jpg", "turned.jpg")
    first, second = (line.split(": ")[1] for line in out)
    assert [part.split()[0] for part in second.split(", ")] == [
        part.split()[0] for part in first.split(", ")
    ]


def test_weights_of_your_own_read_the_pictures(folder, capsys):
    network = TwoLayerNet(784, 5, 10, rng=0)
    network.params["b2"][...] = 100 * np.eye(10)[6]  # it reads everything as a 6
    network.save_params("mine.npz")
    assert run(capsys, "--weights", "mine.npz", "three.jpg") == (
        0,
        ["three.jpg: 6 1.00, 6 1.00, 6 1.00"],
        [],
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.npz", "No such file"), ("seven.png", "must be an .npz file"), (".", "path")],
)
def test_weights_that_cannot_be_read_are_named(folder, name, message, capsys):
    code, out, err = run(capsys, "--weights", name, "seven.png")
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith(f"{name}: ") and message in err[0]
    assert err[0].count("seven.png") <= 1, "the name comes once"


def test_without_pillow_a_sentence_says_how_to_install_it(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    code, out, err = run(capsys, "seven.png")
    assert (code, out) == (1, [])
    assert 'python -m pip install "dlbasics[images]"' in err[0]


@pytest.mark.parametrize("missing", ["flask", "waitress"])
def test_without_the_extra_a_sentence_says_how_to_install_it(missing, capsys, monkeypatch):
    def no_server(name):
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    monkeypatch.setattr(program, "import_module", no_server)
    assert run(capsys) == (
        1,
        [],
        [f'the page needs {missing}: python -m pip install "dlbasics[pad]"'],
    )


def test_another_missing_module_is_no_missing_extra(monkeypatch):
    def no_server(name):
        raise ModuleNotFoundError("No module named 'sqlite3'", name="sqlite3")

    monkeypatch.setattr(program, "import_module", no_server)
    with pytest.raises(ModuleNotFoundError, match="sqlite3"):
        program.main([])


def test_without_pictures_the_page_is_served(folder, monkeypatch):
    calls = []

    def serve(networks, port, browser):
        calls.append(([*networks], port, browser))

    monkeypatch.setattr(program, "import_module", lambda name: SimpleNamespace(serve=serve))
    TwoLayerNet(784, 5, 10, rng=0).save_params("mine.npz")
    assert program.main([]) == 0
    assert program.main(["--no-browser", "--port", "8123", "--weights", "mine.npz"]) == 0
    shipped = ["TwoLayerNet", "SimpleConvNet", "DeepConvNet"]
    assert calls == [(shipped, 8000, True), ([*shipped, "mine.npz"], 8123, False)]


def test_a_server_that_finds_no_port_is_a_sentence(capsys, monkeypatch):
    def serve(*_, **__):
        raise OSError("no port from 80 to 99 is free: Permission denied")

    monkeypatch.setattr(program, "import_module", lambda name: SimpleNamespace(serve=serve))
    assert run(capsys, "--port", "80") == (
        1,
        [],
        ["the page cannot be served: no port from 80 to 99 is free: Permission denied"],
    )


@pytest.mark.parametrize("argv", [["--prot", "1"], ["--we"], ["--weights"]])
def test_wrong_flags_are_refused(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        program.main(argv)
    assert caught.value.code == 2
    assert "usage: python -m dlbasics.pad" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["x", "-1", "70000", "65536", "8e3", "9" * 5000])
def test_a_wrong_port_is_refused_with_the_range(port, capsys):
    with pytest.raises(SystemExit) as caught:
        program.main([f"--port={port}"])
    assert caught.value.code == 2
    assert f"expected a number from 0 to 65535, got {port}" in capsys.readouterr().err


def test_a_terminal_without_our_letters_and_input_gets_the_lines(folder):
    (folder / "seven.png").rename(folder / "fünf.png")
    process = subprocess.run(
        [sys.executable, "-m", "dlbasics.pad", "fünf.png", "ä.png"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert process.returncode == 1
    assert process.stdout.startswith(b"f\\xfcnf.png: 7 ")
    assert process.stderr.startswith(b"\\xe4.png: No such file")
