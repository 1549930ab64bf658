"""What a sender of damaged files can do: get a ValueError that names the file, and no more."""

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from dlbasics.datasets import mnist
from dlbasics.datasets.idx import idx_header
from tests.damaged_files import cases, faults
from tests.helpers import ROOT

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", cases())
def test_a_loader_returns_what_is_left_or_raises_a_value_error_that_names_the_file(
    name, tmp_path, monkeypatch
):
    monkeypatch.setattr(mnist, "_array_path", mnist._array_path)  # which the case replaces
    assert [*faults(name, 150, tmp_path)] == []


MB = 1_000_000
SIZE = 400 * MB
"""The number of bytes that the bombs unpack to."""

READ_ALL = """
import json, resource, sys
from dlbasics import History, load_arrays
from dlbasics.datasets import digits
from dlbasics._internal.pictures import read_picture
from dlbasics.datasets.idx import read_idx
from dlbasics.networks import TwoLayerNet

network = TwoLayerNet(2, 3, 2)
network.save_params("small.npz")
network.load_params("small.npz")
loaders = {"npz": [load_arrays, network.load_params, digits._load_cached], "gz": [read_idx],
           "png": [lambda path: read_picture(path, True)]}
peaks = {}
for path in sys.argv[1:]:
    for load in loaders[path.rpartition(".")[2]]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            answer = str(load(path))
        except ValueError as error:
            answer = str(error)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peaks[f"{load.__name__} {path}"] = [after - before, answer[:1000]]
print(json.dumps(peaks))
"""


def header_of(shape, dtype="<f4"):
    file = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, described)
    return file.getvalue()


BOMBS = {
    "array.npz": ("W1.npy", header_of((SIZE // 4,))),
    "names.npz": ("layers.npy", header_of((), f"<U{SIZE // 4}")),
    "no_array.npz": ("W1", b""),
    "long_header.npz": ("W1.npy", b"\x93NUMPY\2\0" + SIZE.to_bytes(4, "little")),
    "images.gz": ("", idx_header((SIZE // 784, 28, 28))),
    "too_long.gz": ("", idx_header((7,))),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_a_small_file_of_many_zeros_takes_no_memory(tmp_path):
    """Today's limit is 100 MB; each of these would take 400 MB or more."""
    for path, (name, start) in BOMBS.items():
        if name:
            with (
                zipfile.ZipFile(
                    tmp_path / path, "w", zipfile.ZIP_DEFLATED, compresslevel=1
                ) as file,
                file.open(name, "w", force_zip64=True) as entry,
            ):
                write_bomb(entry, start)
        else:
            with gzip.open(tmp_path / path, "wb", compresslevel=1) as file:
                write_bomb(file, start)
        assert (tmp_path / path).stat().st_size < 4 * MB
    write_png_bomb(tmp_path / "black.png")
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *BOMBS, "black.png"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes = 1000 if sys.platform == "darwin" else 1
    for what, (grown, answer) in json.loads(done.stdout).items():
        assert grown / kilobytes < 100_000, what
        assert what.split()[1] in answer or answer == "None", what


def write_bomb(file, start):
    file.write(start)
    for _ in range(SIZE // MB):
        file.write(bytes(MB))


def write_png_bomb(path):
    """Write a PNG file of black pixels, 240 MB of them, which Pillow takes for no bomb."""
    width, height = 10_000, 8_000
    packer = zlib.compressobj(1)
    packed = [packer.compress(bytes(1 + 3 * width)) for _ in range(height)]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in (
        ("IHDR", header),
        ("IDAT", b"".join([*packed, packer.flush()])),
        ("IEND", b""),
    ):
        body = kind.encode() + data
        content += struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(content)
