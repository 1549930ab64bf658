"""Several ranks train as one does, end together, and go on in another number."""

import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics import DistributedTrainer, MultiLayerNet, Trainer, load_arrays, ranks
from dlbasics._internal.data_parallel import DataParallel
from tests.distributed_cases import CASES, DROPOUT, OWN, T, X, convnet, mlp, one_step, train
from tests.helpers import MPIEXEC, ROOT, Block

needs_mpi = [
    pytest.mark.extra,
    pytest.mark.long,
    pytest.mark.skipif(not (MPIEXEC and find_spec("mpi4py")), reason="needs the extra 'mpi'"),
]


class OneRank:
    """A communicator of one rank, as MPI has them."""

    rank, size = 0, 1

    def bcast(self, found):
        return found

    def Allreduce(self, own, total):  # noqa: N802 - as mpi4py calls it
        total[...] = own


def start(count, *arguments):
    """Start tests/distributed_cases.py on so many ranks."""
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "tests.distributed_cases"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "DLBASICS_NUMBA": "0"},  # numba would say that it compiles
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(count, *arguments):
    """Run tests/distributed_cases.py on so many ranks; return its exit code and what it printed."""
    with start(count, *arguments) as process:
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    if "another training writes" in err:
        raise BlockingIOError(err)
    return process.returncode, out, err


def when_free(call):
    """Return call(), when a rank that mpiexec has killed no longer holds the folder."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            return call()
        except BlockingIOError:
            time.sleep(0.2)
    return call()


def assert_same(found, wanted, name):
    assert found.keys() == wanted.keys()
    tolerance = 1e-6 if name == "float32" else 1e-9
    for key, array in wanted.items():
        np.testing.assert_allclose(found[key], array, 0, tolerance, err_msg=f"{name}: {key}")


@pytest.mark.parametrize("name", CASES)
def test_one_rank_trains_as_trainer_does(name):
    found = train(DistributedTrainer, name, comm=OneRank())
    assert_same(found, train(Trainer, name), name)


class TestSeveralRanks:
    pytestmark = needs_mpi

    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    def test_they_give_the_weights_of_one(self, count, tmp_path):
        assert run(count, "weights", tmp_path) == (0, "", "")
        for name in CASES:
            assert_same(load_arrays(tmp_path / f"{name}.npz"), train(Trainer, name), name)
        assert_same(load_arrays(tmp_path / f"{OWN}.npz"), step_with_parts(count), OWN)

    @pytest.mark.parametrize(
        ("how", "message"),
        [
            ("raise", "rank 1 of 3 ends all ranks: ValueError: the tenth batch is bad"),
            ("all", "rank 0 of 3 ends all ranks: ValueError: the tenth batch is bad"),
            ("batch", "ValueError: the batch must be the same on all ranks"),
            ("kill", "KILLED BY SIGNAL: 9|signal 9"),
            ("interrupt", "KeyboardInterrupt|Ctrl-C|signal 2"),
        ],
    )
    def test_one_that_ends_stops_all_and_others_go_on_from_the_checkpoint(
        self, how, message, tmp_path
    ):
        with start(3, "end", tmp_path, how) as process:
            if how == "interrupt":
                while process.poll() is None and not [*tmp_path.glob("checkpoint-*.npz")]:
                    time.sleep(0.05)
                process.send_signal(signal.SIGINT)
            try:
                out, err = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode != 0
        assert out.startswith("one line\n")
        assert out.count("one line") == 1
        assert re.search(message, out + err)
        if how == "interrupt":
            return
        wanted = train(Trainer, DROPOUT, epochs=3)
        if how == "raise":
            found = when_free(
                lambda: train(Trainer, DROPOUT, resume=True, epochs=3, checkpoints=tmp_path)
            )
        else:
            count = {"all": 1, "batch": 4, "kill": 2}[how]
            assert when_free(lambda: run(count, "resume", tmp_path)) == (0, "", "")
            found = load_arrays(tmp_path / "found.npz")
        assert_same(found, wanted, DROPOUT)

    @pytest.mark.parametrize(
        ("how", "message"),
        [
            ("exit", "rank 1 of 2 ends all ranks: SystemExit: no images here"),
            ("data", "ValueError: ranks 0 and 1 differ: x_train must be float64 of shape (25"),
        ],
    )
    def test_one_that_does_not_begin_stops_all(self, how, message, tmp_path):
        code, _, err = run(2, "end", tmp_path, how)
        assert code != 0
        assert message in err


def step_with_parts(count):
    """Do what `one_step` does, with the statistics of each of `count` parts of the batch."""
    network = mlp(np.random.default_rng(1), use_batchnorm=True)
    batch = np.random.default_rng(2).integers(25, size=11)
    total = {}
    for rank in range(count):
        part = batch[11 * rank // count : 11 * (rank + 1) // count]
        twin = copy.deepcopy(network)
        grads = twin.gradient(X[part], T[part])
        layers = [layer for layer in twin.layers.values() if layer.state_names]
        for i, layer in enumerate(layers, start=1):
            grads |= {f"{name}{i}": getattr(layer, name) for name in layer.state_names}
        for key, array in grads.items():
            total[key] = total.get(key, 0) + array * (len(part) / 11)
    after = {key: param - 0.01 * total.pop(key) for key, param in network.params.items()}
    params = {f"params/{key}": param for key, param in after.items()}
    return params | {f"states/{key}": state for key, state in total.items()}


def test_a_step_with_one_part_is_a_step():
    assert_same(step_with_parts(1), one_step(Trainer), OWN)


class Typed:
    """A layer as a reader types it."""

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout


def changed(network):
    class Changed(type(network)):
        def gradient(self, x, t):
            return super().gradient(x, t)

    network.__class__ = Changed
    return network


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": SimpleNamespace(params={})}, "network must be a Network"),
        ({"network": changed(mlp(0))}, "network must be a Network with its own gradient"),
        ({"network": [*mlp(0).layers.values(), Typed()]}, "network must go to Trainer for layers"),
        ({"sync_batch_norm": 1}, "sync_batch_norm must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"optimizer": SimpleNamespace(update=print)}, "optimizer must have state_dict"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    given = {"network": mlp(0), **arguments}
    if isinstance(given["network"], list):
        from dlbasics import Network

        given["network"] = Network(given["network"])
    with pytest.raises((TypeError, ValueError), match=message):
        DistributedTrainer(x_train=X, t_train=T, x_test=X, t_test=T, comm=OneRank(), **given)


def test_the_users_network_is_the_one_that_learns(tmp_path):
    network = MultiLayerNet(36, [8], 3, use_batchnorm=True, rng=0)
    trainer = DistributedTrainer(
        network, X, T, X, T, 1, comm=OneRank(), sync_batch_norm=True, verbose=False
    )
    before = network.params["W1"].copy()
    trainer.train()
    assert (network.params["W1"] != before).any()
    assert trainer.network.layers == network.layers
    assert trainer.network.accuracy(X, T) == network.accuracy(X, T)
    assert [layer.kind for layer in network.layers.values()].count("BatchNorm") == 1
    network.save_params(tmp_path / "params.npz")


def test_the_gradient_of_the_parts_needs_no_halves():
    """A checkpoint holds the generators of halves, which Trainer must then have, too."""
    network = convnet(np.random.default_rng(0))
    network.sharded = True
    assert not DataParallel(network, OneRank(), False).sharded


def test_a_layer_of_your_own_that_holds_others_learns():
    from dlbasics import Affine, BatchNorm, Network

    made = {"rng": 0, "dtype": np.float64}
    block = Block(Affine.create(36, 5, **made), BatchNorm.create(5, dtype=np.float64))
    network = Network([block, Affine.create(5, 3, **made)])
    twin = copy.deepcopy(network)
    found = DataParallel(network, OneRank(), True).gradient(X, T)
    for key, gradient in twin.gradient(X, T).items():
        np.testing.assert_allclose(found[key], gradient, atol=1e-12)


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[mpi\]"'), ranks():
        pass


def test_an_mpiexec_of_another_mpi_is_found(monkeypatch):
    """Each of its processes would train by itself."""
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", SimpleNamespace(COMM_WORLD=OneRank()))
    with ranks() as comm:
        assert comm.size == 1
    monkeypatch.setenv("PMI_SIZE", "4")
    with pytest.raises(RuntimeError, match="started 4 processes, but mpi4py sees one"), ranks():
        pass


# ---- docs/distributed.md ----

PAGE = (ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)


def typed(command, *flags):
    """Return a command of the page as a list, for two ranks."""
    mpiexec, n, count, python, *rest = command.split()
    assert (mpiexec, n, count, python) == ("mpiexec", "-n", "4", "python")
    return [MPIEXEC, "-n", "2", sys.executable, *rest, *flags]


class TestPage:
    pytestmark = needs_mpi

    def test_the_training_runs_and_goes_on(self, mnist, tmp_path, monkeypatch):
        (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        for epochs in (1, 2):
            script = block.replace("epochs=5", f"epochs={epochs}").replace("load_mnist()", LITTLE)
            (tmp_path / "my_training.py").write_text(script, encoding="utf-8")
            (command,) = [command for command in COMMANDS if "my_training" in command]
            ran = subprocess.run(
                typed(command), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
            )
            assert ran.stdout.count(f"epoch {epochs}: ") == 1
            assert ("2 ranks go on after iteration 60\n" in ran.stdout) == (epochs == 2)
        network = MultiLayerNet(784, [100, 100], 10, use_dropout=True, dropout_ratio=0.1)
        network.load_params(tmp_path / "my_network.npz")
        assert network.accuracy(mnist.x_test[:1_000], mnist.t_test[:1_000]) > 0.8

    def test_the_chapters_script_runs(self, tmp_path):
        (command,) = [command for command in COMMANDS if "ch08_deep" in command]
        ran = subprocess.run(
            typed(command, "--quick", "--data", "digits", "--out", str(tmp_path)),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        assert ran.stdout.count("epoch 1: ") == 1
        assert ran.stdout.count("    2 ranks: ") == 2
        (file,) = tmp_path.rglob("train_distributed.json")
        result = json.loads(file.read_text(encoding="utf-8"))["result"]
        assert result["ranks"] == 2
        for timing in result["timings"].values():
            assert timing["ranks"] == [1, 2]
            assert timing["difference"] < 1e-5
        assert len([*tmp_path.rglob("*.png")]) == 1


LITTLE = "[(x[:6_000], t[:6_000]) for x, t in load_mnist()]"
