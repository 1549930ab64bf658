"""The command that writes into the pages what their examples print."""

import pytest

from tests.docs.outputs import FIGURE, PAGES, outputs, path_of, with_outputs
from tests.helpers import ROOT

PAGE = "```python\nprint('loss', {})\n```\n\n```text\nloss {}\n```\n"


def test_it_writes_what_an_example_prints():
    assert with_outputs(PAGE.format(0.5, "?")) == PAGE.format(0.5, 0.5)
    assert outputs(PAGE.format(1, 2)) == ["loss 2\n"]


def test_it_leaves_alone_what_must_not_run_and_what_is_no_output():
    page = f"<!-- not run: 1 -->\n{PAGE.format(1, 2)}<!-- note -->\n```bash\nls\n```\n"
    assert with_outputs(page) == page


def test_a_page_that_hides_what_an_example_prints_is_found():
    program = "```python\nprint(1)\n```\n"
    for page in (program, 2 * program):
        with pytest.raises(ValueError, match="must show what it prints"):
            with_outputs(page)


@pytest.mark.parametrize("page", PAGES)
def test_each_figure_of_a_page_is_there_and_its_example_saves_it(page):
    text = path_of(page).read_text(encoding="utf-8")
    for name in FIGURE.findall(text):
        assert (ROOT / "docs" / "figures" / f"{name}.png").exists()
        assert f'.savefig("{name.removeprefix(f"{page}_")}.png")' in text
