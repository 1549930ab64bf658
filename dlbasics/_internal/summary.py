"""The table that `Network.summary` returns."""

from dataclasses import dataclass

HEADER = ("layer", "output shape", "parameters")


@dataclass(frozen=True, repr=False)
class Summary:
    """Layers, the shapes of their outputs for N samples, and their numbers of parameters.

    A prompt shows it as text, a notebook as a table.
    """

    rows: tuple[tuple[str, tuple[int, ...], int], ...]

    @property
    def total(self) -> int:
        """The number of parameters of the network."""
        return sum(count for _, _, count in self.rows)

    def _cells(self) -> list[tuple[str, str, str]]:
        rows = [
            (name, f"({', '.join(['N', *map(str, shape)])})", f"{count:,}")
            for name, shape, count in self.rows
        ]
        return [*rows, ("total", "", f"{self.total:,}")]

    def __repr__(self) -> str:
        cells = [HEADER, *self._cells()]
        first, second, third = (max(map(len, column)) for column in zip(*cells, strict=True))
        return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in cells)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in HEADER)
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
