"""Damaged files, from a seed: `python -m tests.damaged_files 5000` reads so many of each kind.

A loader may return what is left of a file, or raise a ValueError that names the file.  Anything
else is a fault of the loader.
"""

import gzip
import io
import random
import re
import shutil
import struct
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlbasics._internal.pictures import read_picture
from dlbasics.datasets import digits, load_cifar10, load_csv, load_idx, mnist
from dlbasics.datasets.idx import idx_header, read_idx
from dlbasics.history import History
from dlbasics.networks import MultiLayerNet
from dlbasics.search import Choice, Uniform, random_search
from dlbasics.storage import load_arrays

Damage = Callable[[bytes, random.Random], bytes]

# ---- Damage to any file ----


def flipped_bits(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def changed_bytes(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    piece = rng.choice(
        [bytes(4), b"\xff" * 4, b"\xff" * 8, b"\x7f" + b"\xff" * 7, rng.randbytes(3)]
    )
    return content[:start] + piece + content[start + len(piece) :]


def cut(content: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return rng.choice([content[:start], content[start:], content[:start] + content[end:]])


def doubled(content: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[:end] + content[start:]


ANY = [flipped_bits, changed_bytes, cut, doubled]

# ---- Damage to texts in JSON ----

VALUES = [
    "NaN", "-Infinity", "null", "true", "[]", "{}", '""', '"nan"', '"1"', "-1", "0.5", "1e999",
    "9" * 400, "9" * 5_000, "[" * 100_000, "[" * 900 + "]" * 900, '{"a":' * 100_000, '"\\ud800"',
    "[[1]]", '[null, "x", 1e400]', '{"number": 0}', "\x00", "\u00e9",
]  # fmt: skip


def other_value(content: bytes, rng: random.Random) -> bytes:
    """Put another value in the place of a value, a list or an object."""
    text = content.decode("utf-8", "replace")
    found = [*re.finditer(r'"[^"]*"|-?[\d.e+-]+|null|\[[^][]*\]|\{[^{}]*\}', text)]
    chosen = rng.choice(found)
    changed = text[: chosen.start()] + rng.choice(VALUES) + text[chosen.end() :]
    return changed.encode("utf-8", "surrogatepass")


# ---- Damage to .npz files ----

HEADERS = [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -6)}",
    "{'descr': '<f4', 'fortran_order': 1, 'shape': (2**70,)}",
    f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 5000},)}}",
    f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {2**70})}}",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (True, 6)}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '|V2147483647', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '|U0', 'fortran_order': False, 'shape': (9999999999,)}",
    "{'descr': [('a', '<f4'), ('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
    "{'descr': [('a', '<f4', (2, 3))], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (3,)}",
    "{'descr': 5, 'fortran_order': False, 'shape': 5}",
    "{'descr': '<f4', 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L)}",
    "(" * 9_000,
    "[" * 200,
    "'''",
    "__import__('os')",
    "{b'\\xff': 1",
    "\x00",
]
NAMES = [
    "W1.npy",
    "W1",
    "../W1.npy",
    "/W1.npy",
    "",
    ".npy",
    "ü\U0001f600.npy",
    "a" * 60_000 + ".npy",
]


def other_header(content: bytes, rng: random.Random) -> bytes:
    """Write one of the arrays with another header, or something else in its place."""
    header = rng.choice(HEADERS).encode("latin1")
    version = rng.choice([b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\4\0"])
    size = rng.choice([len(header), len(header), 2, 65_000])
    length = struct.pack("<H", size) if version == b"\1\0" else struct.pack("<I", size << 8)
    array = b"\x93NUMPY" + version + length + header + rng.randbytes(24)
    return _rewritten(content, {rng.choice(_names(content)): array}, rng)


def other_names(content: bytes, rng: random.Random) -> bytes:
    """Write entries under other names, one of them perhaps twice."""
    return _rewritten(content, {}, rng, renamed=True)


def other_flags(content: bytes, rng: random.Random) -> bytes:
    """Change the flags, the compression or a size in the headers of the entries."""
    damaged = bytearray(content)
    signature, first, last = rng.choice([(b"PK\1\2", 6, 46), (b"PK\3\4", 4, 30)])
    starts = [found.start() for found in re.finditer(re.escape(signature), content)]
    if starts:
        at = rng.choice(starts) + rng.randrange(first, last)
        damaged[at : at + 1] = bytes([rng.choice([0, 1, 8, 9, 12, 14, 45, 63, 255])])
    return bytes(damaged)


def _names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def _rewritten(
    content: bytes, changed: dict[str, bytes], rng: random.Random, renamed: bool = False
) -> bytes:
    file = io.BytesIO()
    kind = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", kind) as new:
        for name in old.namelist():
            array = changed.get(name, old.read(name))
            if renamed and rng.random() < 0.5:
                name = rng.choice(NAMES)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a name for the second time
                with new.open(name, "w", force_zip64=rng.random() < 0.5) as entry:
                    entry.write(array)
    return file.getvalue()


# ---- What is damaged, and who reads it ----


class Case(NamedTuple):
    """A file, ways to damage it, and its loader, which takes a path."""

    content: bytes
    damages: list[Damage]
    load: Callable[[Path], Any]


def network(seed: int = 0) -> MultiLayerNet:
    net = MultiLayerNet(3, [2], 2, use_batchnorm=True, rng=seed)
    net.gradient(np.eye(3, dtype=np.float32), [0, 1, 0])
    return net


def _saved(save: Callable[[Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        save(path)
        return path.read_bytes()


def _load_whole_or_nothing(path: Path) -> None:
    net = network(1)
    before = [array.tobytes() for array in _state(net)]
    try:
        net.load_params(path)
    except ValueError:
        assert [array.tobytes() for array in _state(net)] == before, "only a part was loaded"
        raise


def _state(net: MultiLayerNet) -> list[Any]:
    norm = net.layers["BatchNorm1"]
    return [*net.params.values(), norm.running_mean, norm.running_var]


SPACE = {"rate": Uniform(0, 1), "kind": Choice(["a", "b"])}


def objective(params: dict[str, Any], budget: int, rng: np.random.Generator) -> dict[str, Any]:
    score = float("nan") if params["rate"] < 0.3 else params["rate"]
    return {"score": score, "curve": [score, 1.5]}


def _search(path: Path) -> None:
    random_search(objective, SPACE, 5, rng=0, budget=2, halving=2, path=path)


def _numpy_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(6, dtype=np.uint8))
    return file.getvalue()


def _load_cached_mnist(path: Path) -> None:
    mnist._array_path = lambda file: path
    mnist._load_cached(mnist.FILES[0])


def _picture(kind: str) -> bytes:
    from PIL import Image

    values = np.arange(1_200, dtype=np.uint16).reshape(20, 60) % 251
    picture = Image.fromarray(values.astype(np.uint8)).convert("P" if kind == "GIF" else "RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture.save(file, kind, **({} if kind in ("GIF", "BMP") else {"exif": exif}))
    return file.getvalue()


def _read_picture(path: Path) -> None:
    read_picture(path, color=True)
    read_picture(path, color=False, least=10)


def _load_cifar(path: Path) -> None:
    shutil.copy(path, path.with_name("test_batch.bin"))
    path.with_name("data_batch_1.bin").write_bytes(bytes(3_073))
    try:
        load_cifar10(path.parent)
    except ValueError as error:
        raise ValueError(str(error).replace("test_batch.bin", path.name)) from error


def _load_idx(path: Path) -> None:
    labels = path.with_name("labels")
    labels.write_bytes(idx_header((3,)) + bytes([1, 2, 3]))
    images = path.with_name("images")
    images.write_bytes(idx_header((3, 4, 4)) + bytes(48))
    load_idx(images, labels, names=path)


NPZ = [*ANY, other_header, other_names, other_flags]
JSON = [*ANY, other_value, other_value]
HISTORY = History([2.5, 0.1], [0.1, 0.1], [0.5], [float("nan")], [1.0], "so")
PICTURES = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
TABLE = b"label,a,b,c,d\n3,0,1,2,255\ncat,7,8,9,10\n"
IDX = idx_header((3, 4)) + bytes(range(12))


def cases() -> dict[str, Case]:
    """Return the files by name."""
    params = _saved(network().save_params)
    return {
        "arrays": Case(params, NPZ, load_arrays),
        "weights": Case(params, NPZ, _load_whole_or_nothing),
        "digits in the cache": Case(params, NPZ, digits._load_cached),
        "MNIST in the cache": Case(_numpy_file(), ANY, _load_cached_mnist),
        "IDX": Case(IDX, ANY, read_idx),
        "IDX, gzipped": Case(gzip.compress(IDX, mtime=0), ANY, read_idx),
        **{kind: Case(_picture(kind), ANY, _read_picture) for kind in PICTURES},
        "CIFAR-10": Case(bytes(range(256)) * 12 + b"\7", ANY, _load_cifar),
        "table of pixels": Case(TABLE, ANY, load_csv),
        "EMNIST's mapping": Case(b"1 65 97\n2 66 98\n3 67 99\n", ANY, _load_idx),
        "history": Case(HISTORY.to_json().encode(), JSON, History.load),
        "search": Case(_saved(_search), JSON, _search),
    }


def faults(name: str, count: int, folder: Path, seed: int = 0) -> Iterator[str]:
    """Damage the file of that name `count` times; say what its loader did wrong."""
    case = cases()[name]
    path = folder / "damaged"
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        damage = rng.choice(case.damages)
        damaged = damage(case.content, rng)
        if rng.random() < 0.2 and damaged:
            damaged = rng.choice(ANY)(damaged, rng)
        path.write_bytes(damaged)
        try:
            case.load(path)
        except ValueError as error:
            if str(path) not in str(error):
                yield f"{name} {number}, {damage.__name__}: {error!r}"
        except Exception as error:
            yield f"{name} {number}, {damage.__name__}: {type(error).__name__}: {error}"[:300]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for name in cases():
            found = [*faults(name, int(sys.argv[1]), Path(folder))]
            print(f"{name}: {len(found)} faults", *found[:10], sep="\n  ", flush=True)
