"""Optimization without a gradient (Takahashi, *Playing with MNIST*, section 1.1): equal areas.

The prefectures of Japan, without Hokkaido, are split into four groups.  A random move is kept where
the energy E = sum |total / 4 - A_i| of the groups' areas A_i falls: no slope is asked for.  The
same with simulated annealing, and both with moves of a single prefecture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.typing import Array, RngLike

AREAS = {
    "Aomori": 9645.59,
    "Iwate": 15275.01,
    "Miyagi": 7282.22,
    "Akita": 11637.52,
    "Yamagata": 9323.15,
    "Fukushima": 13783.74,
    "Ibaraki": 6097.06,
    "Tochigi": 6408.09,
    "Gunma": 6362.28,
    "Saitama": 3797.75,
    "Chiba": 5157.65,
    "Tokyo": 2190.93,
    "Kanagawa": 2415.83,
    "Niigata": 12584.18,
    "Toyama": 4247.61,
    "Ishikawa": 4186.09,
    "Fukui": 4190.49,
    "Yamanashi": 4465.27,
    "Nagano": 13561.56,
    "Gifu": 10621.29,
    "Shizuoka": 7777.42,
    "Aichi": 5172.48,
    "Mie": 5774.40,
    "Shiga": 4017.38,
    "Kyoto": 4612.19,
    "Osaka": 1905.14,
    "Hyogo": 8400.96,
    "Nara": 3690.94,
    "Wakayama": 4724.69,
    "Tottori": 3507.05,
    "Shimane": 6708.24,
    "Okayama": 7114.50,
    "Hiroshima": 8479.45,
    "Yamaguchi": 6112.30,
    "Tokushima": 4146.65,
    "Kagawa": 1876.72,
    "Ehime": 5676.11,
    "Kochi": 7103.93,
    "Fukuoka": 4986.40,
    "Saga": 2440.68,
    "Nagasaki": 4132.09,
    "Kumamoto": 7409.35,
    "Oita": 6340.71,
    "Miyazaki": 7735.31,
    "Kagoshima": 9186.94,
    "Okinawa": 2281.12,
}
"""In km2, 1 October 2015 (Geospatial Information Authority of Japan, areas by prefecture).

They were typed without the source at hand and add up to 0.02 km2 more than PUBLISHED_TOTAL, so some
may be wrong in the last digits.  The search does not mind.
"""

PUBLISHED_TOTAL = 377_970.75 - 83_424.31
"""Japan less Hokkaido, in km2, of the same source."""

EXACT = np.round(100 * np.array([*AREAS.values()]))
"""In hundredths of a km2: integers, so that sums do not depend on their order."""

GROUPS = 4
UNIT = 100 * GROUPS
"""4 A_i - total in hundredths is an integer, too, of which 400 are a km2."""

BLOCK = 1_024
"""Moves that are tried at once: few enough to stay in the processor's cache."""

RULES = {"falling": "kept if E falls", "annealing": "simulated annealing"}
"""How a figure names them."""

Moves = Callable[[np.random.Generator, int], Array]
Temperatures = tuple[float, float]

SEVERAL_TEMPERATURES: Temperatures = (100.0, 0.01)
SINGLE_TEMPERATURES: Temperatures = (3_000.0, 100.0)
"""Of the annealing at first and in the end, in km2: about what E rises by when a move is kept."""


@dataclass(frozen=True)
class Config:
    """goal: the energy, in km2, at which a search ends; the text's.

    tries, single_tries: at most, with moves of several prefectures and of one.
    starts: from how many groups a search with moves of one is made.
    """

    goal: float = 0.04
    tries: int = 50_000_000
    single_tries: int = 20_000
    starts: int = 5


@dataclass(frozen=True)
class Search:
    """tries, energy: at first and whenever a move was kept, the moves tried by then, and E in km2.

    group: (46,), the group of each prefecture in the end;  tried: moves in all.
    """

    tries: list[int]
    energy: list[float]
    group: Array
    tried: int


@dataclass(frozen=True)
class Result:
    """By rule, "falling" or "annealing".

    several: with moves of several prefectures;  single: of one, from each start.
    """

    several: dict[str, Search]
    single: dict[str, list[Search]]


def run(config: Config, rng: RngLike) -> Result:
    rng = np.random.default_rng(rng)
    one_by_one = [
        pair(single, config.single_tries, config.goal, SINGLE_TEMPERATURES, rng)
        for _ in range(config.starts)
    ]
    return Result(
        several=pair(several, config.tries, config.goal, SEVERAL_TEMPERATURES, rng),
        single={rule: [searches[rule] for searches in one_by_one] for rule in RULES},
    )


def pair(
    moves: Moves, tries: int, goal: float, temperatures: Temperatures, rng: np.random.Generator
) -> dict[str, Search]:
    """A search by each rule from the same groups; annealing tries as many moves as the other."""
    start = rng.integers(GROUPS, size=len(EXACT))
    falling = search(start, moves, tries, goal, rng)
    annealing = search(start, moves, falling.tried, goal, rng, temperatures)
    return {"falling": falling, "annealing": annealing}


def several(rng: np.random.Generator, count: int) -> Array:
    """Which prefectures each move takes, (count, 46): each with a chance of one half."""
    return rng.integers(2, size=(count, len(EXACT)), dtype=np.int8).astype(float)


def single(rng: np.random.Generator, count: int) -> Array:
    """Which prefecture each move takes, (count, 46)."""
    return np.eye(len(EXACT))[rng.integers(len(EXACT), size=count)]


def search(
    start: Array,
    moves: Moves,
    tries: int,
    goal: float,
    rng: np.random.Generator,
    temperatures: Temperatures | None = None,
) -> Search:
    """Try moves from the groups `start` (46,) on, until E is `goal` km2 or all have been tried.

    A move draws two groups; the prefectures it takes change sides where they are in one of them.
    It is kept where E falls; with temperatures T, from the first to the second, also where E rises
    by d, with the probability exp(-d / T).
    """
    group, tried, size = start.copy(), 0, BLOCK
    found = Search([0], [float(energy(excess_of(start)))], group, 0)
    while tried < tries and found.energy[-1] > goal:
        taken = moves(rng, min(size, tries - tried))
        one = rng.integers(GROUPS, size=len(taken))
        other = (one + rng.integers(1, GROUPS, size=len(taken))) % GROUPS
        energies = energy(excess_after(group, taken, one, other))
        limit: Any = found.energy[-1]
        if temperatures is not None:
            hot, cold = temperatures
            # d < T q, with q from the exponential distribution, has the probability exp(-d / T).
            limit += hot * (cold / hot) ** (tried / tries) * rng.exponential(size=len(taken))
        kept = np.flatnonzero(energies < limit)
        if len(kept) == 0:
            tried, size = tried + len(taken), min(2 * size, BLOCK)
            continue
        first = kept[0]  # the moves after it are for groups that are no more
        group = exchanged(group, taken[first], one[first], other[first])
        tried, size = tried + int(first) + 1, int(first) + 8
        found.tries.append(tried)
        found.energy.append(float(energies[first]))
    return Search(found.tries, found.energy, group, tried)


def exchanged(group: Array, taken: Array, one: int, other: int) -> Array:
    """The groups (46,) after the prefectures taken (46,) have changed sides."""
    changes = (taken > 0) & ((group == one) | (group == other))
    return np.where(changes, one + other - group, group)


def excess_of(group: Array) -> Array:
    """4 A_i - total of the four groups, (4,)."""
    return GROUPS * np.bincount(group, EXACT, GROUPS) - EXACT.sum()


def excess_after(group: Array, taken: Array, one: Array, other: Array) -> Array:
    """The same after each of n moves, (n, 4): taken (n, 46) changes sides between one and other."""
    members = np.eye(GROUPS)
    leaving = taken @ (EXACT[:, np.newaxis] * members[group])
    to_one = members[one] - members[other]
    gain = -(leaving * to_one).sum(axis=1, keepdims=True)
    return excess_of(group) + GROUPS * gain * to_one


def energy(excess: Array) -> Array:
    """E = sum |total / 4 - A_i| in km2, of each row of `excess` (..., 4)."""
    return np.abs(excess).sum(axis=-1) / UNIT


def sums(search: Search) -> Array:
    """The areas of the four groups in km2, (4,)."""
    return np.bincount(search.group, EXACT, GROUPS) / 100


def lowest(search: Search) -> float:
    """The lowest energy that the search has met."""
    return min(search.energy)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    curves, panels = plotting.subplots(1, 2, width=5.0, sharey=True)
    for rule, color in (("annealing", "C0"), ("falling", "C1")):
        found = result.several[rule]
        draw_energies(panels[0], found, found.energy, color=color, label=RULES[rule])
        for found in result.single[rule]:
            draw_energies(panels[1], found, np.minimum.accumulate(found.energy), color=color)
    panels[0].set(ylabel="E in km²", title="several prefectures a move")
    panels[0].legend(frameon=False)
    panels[1].set_title("one prefecture a move, each start: lowest E so far")

    bars, axes = plotting.subplots()
    areas = sums(result.several["falling"])
    drawn = axes.bar([f"group {i}" for i in range(1, GROUPS + 1)], areas)
    axes.bar_label(drawn, [f"{area:,.2f}" for area in areas], padding=4)
    axes.axhline(EXACT.sum() / UNIT, color="black", linewidth=0.8, label="a quarter of the total")
    axes.set(ylabel="area in km²", ylim=(0, 1.25 * areas.max()))
    axes.legend(frameon=False, loc="upper right")
    return {"energy": curves, "areas": bars}


def draw_energies(axes: Any, search: Search, energies: Sequence[float], **style: Any) -> None:
    """Energies against the moves tried; the last one lasts to the end of the search."""
    tries = [1, *search.tries[1:], search.tried]  # the logarithmic axis has no 0
    axes.step(tries, [*energies, energies[-1]], where="post", linewidth=1, **style)
    axes.set(xscale="log", yscale="log", xlabel="moves tried")


CLAIMS = [
    Claim(
        "sum of the 46 areas in km² (published for Japan less Hokkaido)",
        PUBLISHED_TOTAL,
        lambda result: sums(result.several["falling"]).sum(),
        lambda v: abs(v - PUBLISHED_TOTAL) < 0.1,
        digits=8,
    ),
    Claim(
        "E in the end in km²",
        0.04,
        lambda result: result.several["falling"].energy[-1],
        lambda v: 0 <= v <= 0.04,
    ),
    Claim(
        "moves tried until then, and kept",
        "few are kept",
        lambda result: (result.several["falling"].tried, len(result.several["falling"].tries) - 1),
        lambda v: 0 < v[1] < 0.001 * v[0],
    ),
    Claim(
        "lowest E after as many moves, kept if E falls and with annealing",
        "both small",
        lambda result: [lowest(result.several[rule]) for rule in RULES],
        lambda v: all(0 <= energy < 1 for energy in v),
        digits=2,
    ),
    Claim(
        "the same with one prefecture a move, mean of all starts",
        "annealing lower",
        lambda result: [
            float(np.mean([lowest(search) for search in result.single[rule]])) for rule in RULES
        ],
        lambda v: 0 <= v[1] < v[0],
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"tries": 100_000, "single_tries": 1_000},
    )
