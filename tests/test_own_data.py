"""The programs of docs/own_data.md: from data to a network that is trained, saved and loaded."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from dlbasics.datasets.digits import load_digits
from dlbasics.datasets.images import CIFAR_10
from tests.datasets.helpers import NAMES, idx_bytes
from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
PROGRAMS = {name[1]: block for block in BLOCKS if (name := re.search(r'"(\w+)\.npz"', block))}
(NEW_PICTURE,) = (block for block in BLOCKS if ".npz" not in block)


def shapes():
    """Eighty pictures of a circle or a square, of any size."""
    image = pytest.importorskip("PIL.Image")
    draw = pytest.importorskip("PIL.ImageDraw")
    rng = np.random.default_rng(0)
    for i in range(80):
        side = int(rng.integers(40, 90))
        picture = image.new("RGB", (side, side), "white")
        left, top = rng.integers(side // 6, side // 5, 2).tolist()
        box = left, top, left + 2 * side // 3, top + 2 * side // 3
        kind = ("circle", "square")[i % 2]
        pen = draw.Draw(picture)
        (pen.ellipse if kind == "circle" else pen.rectangle)(box, fill="black")
        folder = Path("shapes", kind)
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{i}.{('png', 'jpg')[i // 2 % 2]}")


def small_digits():
    return load_digits(normalize=False, flatten=False, train=1_000, test=200)


def fashion():
    (x, t), (x_test, t_test) = small_digits()
    for name, array in zip(NAMES, (x[:, 0], t, x_test[:, 0], t_test), strict=True):
        with gzip.open(f"{name}.gz", "wb") as file:
            file.write(idx_bytes(array))


def cifar():
    """Three colours, with noise."""
    rng = np.random.default_rng(0)
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]]).reshape(3, 3, 1, 1)
    folder = Path("cifar-10-batches-bin")
    folder.mkdir()
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        t = rng.integers(0, 3, 100)
        x = np.clip(colors[t] + rng.integers(-30, 31, (100, 3, 32, 32)), 0, 255)
        records = np.concatenate([t[:, np.newaxis], x.reshape(100, -1)], axis=1)
        (folder / name).write_bytes(records.astype(np.uint8).tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(CIFAR_10))


def table():
    for name, (x, t) in zip(("train", "test"), small_digits(), strict=True):
        rows = np.column_stack([t, x.reshape(len(x), -1)])
        np.savetxt(f"{name}.csv", rows, "%d", ",", header="label" + ",pixel" * 784, comments="")


def nothing():
    pytest.importorskip("sklearn")


DATA = {
    "shapes": (shapes, 0.9),
    "fashion": (fashion, 0.5),
    "cifar": (cifar, 0.6),
    "table": (table, 0.7),
    "iris": (nothing, 0.9),
    "digits": (nothing, 0.95),
    "diabetes": (nothing, None),
}
"""How to write the data that a program reads, and the least accuracy."""


def test_every_program_of_the_page_is_tried():
    assert PROGRAMS.keys() == DATA.keys()
    assert len(BLOCKS) == len(DATA) + 1  # and that for a new picture


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.extra] * (write is nothing))
        for name, (write, _) in DATA.items()
    ],
)
def test_a_program_of_12_lines_trains_saves_and_reloads(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write, least = DATA[name]
    write()
    program = PROGRAMS[name]
    assert len(program.strip().splitlines()) <= 12
    names = {}
    exec(compile(program, "own_data.md", "exec"), names)
    assert (tmp_path / f"{name}.npz").is_file()
    network, again, x = names["network"], names["again"], names["x_test"]
    np.testing.assert_array_equal(network.predict(x), again.predict(x))
    printed = capsys.readouterr().out
    if least is not None:
        assert float(re.search(r"^test accuracy ([\d.]+)", printed, flags=re.M)[1]) >= least
    else:
        loss, of_the_mean = re.findall(r"\d\.\d+", printed.splitlines()[-1])
        assert float(loss) < 0.7 * float(of_the_mean)
    if "the first test image" in program:
        assert re.search(r"the first test image: (\S.*)", printed)[1] in names["names"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["circle", "square"])
def test_the_network_names_a_new_picture(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shapes()
    next(Path("shapes", kind).glob("*.jpg")).rename("new.jpg")
    names = {}
    for program in (PROGRAMS["shapes"], NEW_PICTURE):
        exec(compile(program, "own_data.md", "exec"), names)
    assert capsys.readouterr().out.splitlines()[-1] == f"new.jpg: {kind}"
