"""What the tests of the handbook's pages share."""

import ast
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.helpers import ROOT

LAYERS = ROOT / "docs" / "layers"
"""The folder of the pages of the layers."""

HEADINGS = [
    "Formula",
    "Shapes and arguments",
    "Computational graph",
    "Backward pass",
    "Code",
    "Check it",
    "Pitfalls",
]
"""The headings of each of these pages."""


def drawing_program(name: str) -> ModuleType:
    """Return a program of docs/layers as a module; docs is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, LAYERS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        kind: The word behind the fence, such as python.
        text: Its lines.
        runs: False if the line before it says that it is not run.
    """

    kind: str
    text: str
    runs: bool


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(
        r"(^<!-- not run: [^\n]*\n)?^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    return [Block(kind, lines, not mark) for mark, kind, lines in found]


def functions(program: str) -> dict[str, str]:
    """Return the methods and functions of a program without docstrings and annotations, by name.

    A method has the name of its class before its own, as in `Relu._forward`.
    """
    found = {}
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Module | ast.ClassDef):
            prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    found[prefix + each.name] = ast.unparse(_Bare().visit(each))
    return found


class _Bare(ast.NodeTransformer):
    """Removes annotations and docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if ast.get_docstring(node) is not None:
            del node.body[0]
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign:
        assert node.value is not None
        return ast.copy_location(ast.Assign([node.target], node.value), node)
