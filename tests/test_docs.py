"""What the documents say is what the code does."""

import re
import shlex
from importlib.util import find_spec

import numpy as np
import pytest

from dlbasics import History, TwoLayerNet
from dlbasics.datasets.digits import load_digits
from dlbasics.datasets.mnist import FILES, MIRRORS
from dlbasics.experiment.flags import parse
from tests.experiment.helpers import SCRIPTS, experiment_of
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
PROMISES = [
    "python -m pip install -e . && python ch05_backprop/train_neuralnet.py",
    'python -m pip install -e ".[dev]" && python -m pytest -n auto',
]
NAMED = r"(?:-m dlbasics )?(ch\d\d)\w*[/.](\w+?)(?:\.py)?(?=[ `\n])((?: --[^`\n]*)?)"
"""A script as a command names it, by its path or for `python -m dlbasics`, and its flags."""

MOVED = """
dataset.digits dataset.download dataset.idx dataset.mnist dataset.shared dataset.skeletons
dlbasics.arrays dlbasics.checkpoints dlbasics.column_gradient dlbasics.divergence
dlbasics.experiment dlbasics.files dlbasics.flags dlbasics.layers.fast_convolution
dlbasics.layers.fast_pooling dlbasics.layers.images dlbasics.memory dlbasics.network_state
dlbasics.params dlbasics.results dlbasics.shards dlbasics.summary
"""
"""The modules of version 0.1.0 that are elsewhere now."""


@pytest.mark.parametrize(("page", "count"), [("deviations", 30), ("listings", 40), ("errata", 70)])
def test_every_test_that_a_page_names_exists(page, count):
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)(?:\[[\w-]+\])?`", text)
    assert len(named) > count
    assert [name for name in named if f"def {name}(" not in tests] == []


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def run_example(page, start, names=None):
    """Run the program of a page that starts so, and return its names."""
    (example,) = re.findall(rf"```python\n({re.escape(start)}.*?)```", text_of(page), re.DOTALL)
    names = {} if names is None else names
    exec(compile(example, page, "exec"), names)
    return names


@pytest.mark.long
def test_the_readmes_example_runs_as_it_is_pasted(mnist, capsys):
    run_example("README.md", "from dlbasics.datasets import load_mnist")
    printed = capsys.readouterr().out
    assert float(re.search(r"test accuracy ([\d.]+)", printed)[1]) >= 0.96
    assert "WRONG" not in printed


@pytest.mark.long
def test_the_readmes_network_is_saved_and_reads_the_photo_of_a_digit(tmp_path, monkeypatch, capsys):
    image = pytest.importorskip("PIL.Image")
    train, (x_test, t_test) = load_digits(train=2_000, test=100)
    monkeypatch.setattr("dlbasics.datasets.load_mnist", lambda: (train, (x_test, t_test)))
    monkeypatch.chdir(tmp_path)
    five = x_test[t_test == 5][0].reshape(28, 28)
    image.fromarray(np.uint8(230 - 200 * five)).resize((280, 280)).save("five.jpg")
    names = run_example("README.md", "from dlbasics import Adam, Trainer")
    assert {"accuracy.png", "params.npz"} <= {path.name for path in tmp_path.iterdir()}
    assert names["again"].accuracy(x_test, t_test) == names["network"].accuracy(x_test, t_test)
    assert re.search(r"^a 5, with probability 0\.\d\d$", capsys.readouterr().out, re.MULTILINE)


def test_the_layer_of_your_own_runs_as_it_is_pasted():
    names = run_example("docs/own_layers.md", "import numpy as np\nfrom dlbasics import Layer")
    y = names["Softplus"]().forward(np.array([1.0, 0.0]))
    np.testing.assert_allclose(y, np.log([1 + np.e, 2]))


def test_the_regression_runs_as_it_is_pasted(capsys):
    x = np.random.default_rng(0).random((300, 3))
    t = x.sum(axis=1, keepdims=True)
    names = {"x": x[:200], "t": t[:200], "x_test": x[200:], "t_test": t[200:]}
    start = "from dlbasics import Affine, IdentityWithLoss"
    history = run_example("docs/trainer.md", start, names)["history"]
    error = history.test_metrics["error"]
    assert error[-1] < error[0] / 2


def test_the_errors_of_a_classifier_run_as_they_are_pasted(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    names = {"x_test": rng.random((30, 784)), "t_test": rng.integers(0, 10, 30)}
    monkeypatch.chdir(tmp_path)
    names["network"] = TwoLayerNet(784, 5, 10)
    run_example("docs/trainer.md", "from dlbasics import confusion", names)
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "errors.png"}


def test_the_imports_of_the_names_are_there():
    lines = re.findall(r"\| `(from dlbasics[^`]*)` \|$", text_of("docs/names.md"), re.MULTILINE)
    assert len(lines) >= 13
    for line in lines:
        exec(line, {})


@pytest.mark.parametrize("line", PROMISES)
def test_the_readme_keeps_its_promises_in_one_line_each(line):
    """Whoever pastes one installs and trains, or installs and tests, as `.ci/run` does."""
    assert line in README.splitlines()


def test_powershell_gets_no_command_that_it_does_not_know():
    (block,) = re.findall(r"```powershell\n(.*?)```", README, re.DOTALL)
    assert "&&" not in block
    for line in PROMISES:
        assert {*line.split(" && ")} <= {*block.splitlines()}


def test_the_front_page_is_short():
    prose = re.sub(r"```.*?```|<table>.*?</table>|^\|.*?$|\]\(.*?\)", "", README, flags=re.S | re.M)
    assert len(prose.split()) <= 900


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text_of(page))
    for link in sorted({one or other for one, other in links}):
        path, _, anchor = link.partition("#")
        if link.startswith("http"):
            continue
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles
            }


def test_the_index_has_every_page():
    pages = {path.name for path in (ROOT / "docs").glob("*.*")} - {"README.md"}
    assert pages <= {*re.findall(r"\]\(([\w.]+)\)", text_of("docs/README.md"))}


@pytest.mark.parametrize(
    "command",
    sorted({each for page in PAGES for each in re.findall(rf"python {NAMED}", text_of(page))}),
)
def test_a_page_names_scripts_and_flags_that_are_there(command):
    chapter, name, flags = command
    (script,) = [each for each in SCRIPTS if re.fullmatch(rf"{chapter}\w*/{name}", each)]
    experiment = experiment_of(script)
    known = experiment.doc, experiment.config, experiment.quick, experiment._wanted
    parse(*known, shlex.split(flags))


def test_the_page_of_scripts_has_every_script_and_only_their_options(capsys):
    page = text_of("docs/scripts.md")
    rows = dict(re.findall(r"^\| \d, .*?\[`(\w+)`\].*? \| (.*) \|$", page, re.MULTILINE))
    named = [f"{chapter}/{name}" for chapter in rows for name in re.findall(r"\w+", rows[chapter])]
    assert sorted(named) == sorted(SCRIPTS)
    options = re.findall(r"`(--[\w-]+)", page.partition("## All at once")[0])
    experiment = experiment_of("ch05_backprop/train_neuralnet")
    with pytest.raises(SystemExit):
        parse(experiment.doc, experiment.config, experiment.quick, experiment._wanted, ["--help"])
    printed = capsys.readouterr().out
    assert [option for option in options if option not in printed] == []


def test_the_pages_name_the_files_and_the_mirrors_of_mnist():
    page = text_of("docs/data.md")
    assert re.findall(r"<(http.*)>", page) == [*MIRRORS]
    assert {*re.findall(r"`([\w-]+-ubyte)\.gz`", page)} == {file.name for file in FILES}
    assert MIRRORS[0] in README


def test_every_file_that_a_page_names_is_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("ch0?_*/README.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = re.findall(r"`((?:dlbasics|dataset|tests|benchmarks)/[\w/]+\.py)`", text)
    assert "dlbasics/datasets/digits.py" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_changelog_says_where_each_module_that_moved_is_now():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    moved = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|", text, flags=re.MULTILINE))
    assert moved.keys() == set(MOVED.split())
    assert [new for new in moved.values() if find_spec(new) is None] == []


def test_no_page_has_blanks_left_to_fill():
    for page in PAGES:
        blank = re.search(r"\b(TODO|TABLE)\b", text_of(page))
        assert not blank, page


@pytest.mark.long
def test_the_trainer_runs_as_it_is_pasted(tmp_path, monkeypatch, capsys):
    (x_train, t_train), _ = load_digits(train=1_000, test=200)
    names = {"x_train": x_train, "t_train": t_train, "network": TwoLayerNet(784, 20, 10, rng=0)}
    monkeypatch.chdir(tmp_path)
    run_example("docs/trainer.md", "from dlbasics import Adam, CosineDecay", names)
    assert names["history"].test_acc[-1] > 0.3  # chance is 0.1; the trainer has no seed
    assert (tmp_path / "accuracy.png").stat().st_size > 1_000
    assert History.load("history.json") == names["history"]
    assert (tmp_path / "out" / "digits" / "best.npz").exists()
