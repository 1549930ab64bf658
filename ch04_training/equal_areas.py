"""Takahashi, *Optimization*, eq. 1.1 and figure 1.1: equal areas, found without a gradient.

The script splits the prefectures of Japan, without Hokkaido, into four groups of equal area A_i.
It tries random moves, and keeps a move if the energy E = sum |total / 4 - A_i| falls: it needs no
derivative.

The text moves one prefecture at a time.  Such a search soon ends where no move of one prefecture is
better, far above the 0.04 km² of the text's figure.  Our other search moves several prefectures at
a time, and reaches it.  The script shows both, and both also with simulated annealing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Experiment, Record

AREAS = {
    "Aomori": 9645.59,
    "Iwate": 15275.01,
    "Miyagi": 7282.22,
    "Akita": 11637.54,
    "Yamagata": 9323.15,
    "Fukushima": 13783.74,
    "Ibaraki": 6097.06,
    "Tochigi": 6408.09,
    "Gunma": 6362.28,
    "Saitama": 3797.75,
    "Chiba": 5157.65,
    "Tokyo": 2190.93,
    "Kanagawa": 2415.83,
    "Niigata": 12584.10,
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
"""Areas in km² on 1 October 2015, by the Geospatial Information Authority of Japan.

The numbers agree with public copies of that table.  They add up to 0.04 km² less than
PUBLISHED_TOTAL, the area of Japan without Hokkaido.
"""

OTHER_AREAS = AREAS | {"Akita": 11637.52, "Niigata": 12584.18}
"""The same with two numbers of another copy, which add up to 0.02 km² more.

This matters only for the smallest E.  The sum in hundredths of a km² leaves the remainder 2 when it
is divided by four, so that E would be at least 0.02 km².  The sum of AREAS leaves 0.
"""

PUBLISHED_TOTAL = 377_970.75 - 83_424.31
"""The area of Japan minus that of Hokkaido, in km², from the same source."""

EXACT = np.round(100 * np.array([*AREAS.values()]))
"""The areas in hundredths of a km².  They are integers, so that sums are exact."""

TOTAL = EXACT.sum()
GOAL = 0.04
"""The energy in km² of the final state in Takahashi, figure 1.1."""

GROUPS = 4
UNIT = 100 * GROUPS
"""The excess 4 A_i - total, in hundredths of a km², is an integer too; E is its sum / 400."""

SINGLE_MOVES = np.eye(len(EXACT))
MEMBERS = np.eye(GROUPS)

BLOCK = 1_024
"""The number of moves that are tried at once: few enough for the processor's cache."""

RULES = {"falling": "kept if E falls", "annealing": "simulated annealing"}
"""The names of the two rules in the figure."""

Moves = Callable[[Generator, int], np.ndarray]
Temperatures = tuple[float, float]

SEVERAL_TEMPERATURES: Temperatures = (100.0, 0.01)
SINGLE_TEMPERATURES: Temperatures = (3_000.0, 100.0)
"""The temperatures of annealing at first and at last, in km²: typical rises of E that are kept."""


@dataclass(frozen=True)
class Config:
    """The settings of the text, and those of the searches with single moves.

    Args:
        goal: The energy E in km² at which a search ends.
        tries: The largest number of moves that a search tries, if it moves several prefectures at
            a time.
        single_tries: The same, if it moves a single prefecture at a time.
        starts: The number of searches that move a single prefecture, by each rule.
    """

    goal: float = GOAL
    tries: int = 200_000_000
    single_tries: int = 20_000
    starts: int = 5


@dataclass(frozen=True)
class Search:
    """What happened in a search.

    Args:
        tries: The number of moves tried before the start, 0, and up to each move that was kept.
        energy: The energy E in km² at the start and after each move that was kept.
        group: The group of each prefecture at the end, (46,).
        tried: The number of all moves tried.
    """

    tries: list[int]
    energy: list[float]
    group: np.ndarray
    tried: int


@dataclass(frozen=True)
class Result(Record):
    """The searches by each rule, "falling" or "annealing".

    Args:
        several: The search with moves of several prefectures.
        single: The searches with moves of a single prefecture, one from each start.
    """

    several: dict[str, Search]
    single: dict[str, list[Search]]


def run(config: Config, rng: Generator) -> Result:
    one_by_one = [
        pair(single, config.single_tries, config.goal, SINGLE_TEMPERATURES, rng)
        for _ in range(config.starts)
    ]
    return Result(
        several=pair(several, config.tries, config.goal, SEVERAL_TEMPERATURES, rng),
        single={rule: [searches[rule] for searches in one_by_one] for rule in RULES},
    )


def pair(
    moves: Moves, tries: int, goal: float, temperatures: Temperatures, rng: Generator
) -> dict[str, Search]:
    """Search by each rule from the same groups.  Annealing tries at most as many moves."""
    start = rng.integers(GROUPS, size=len(EXACT))
    falling = search(start, moves, tries, goal, rng)
    annealing = search(start, moves, falling.tried, goal, rng, temperatures)
    return {"falling": falling, "annealing": annealing}


def several(rng: Generator, count: int) -> np.ndarray:
    """Return 1 for the prefectures that each move takes, (count, 46): about one half of them."""
    # The highest bit of a random byte is much faster to draw than rng.integers(2).
    numbers = np.frombuffer(rng.bytes(count * len(EXACT)), np.uint8)
    return (numbers >> 7).reshape(count, len(EXACT)).astype(float)


def single(rng: Generator, count: int) -> np.ndarray:
    """Return 1 for the prefecture that each move takes, (count, 46)."""
    return SINGLE_MOVES[rng.integers(len(EXACT), size=count)]


def search(
    start: np.ndarray,
    moves: Moves,
    tries: int,
    goal: float,
    rng: Generator,
    temperatures: Temperatures | None = None,
) -> Search:
    """Try moves from the groups `start` (46,) on, until E is at most `goal`: `tries` at most.

    A move takes some prefectures, and draws two groups.  Those it takes from either of these groups
    change to the other.  The move is kept if E falls.  With temperatures it is also kept if E rises
    by d, with the probability exp(-d / T), where T falls from the first temperature to the second.
    """
    group, tried, size = start, 0, BLOCK
    kept_tries, energies = [0], [energy(excess_of(start))]
    while tried < tries and energies[-1] > goal:
        taken = moves(rng, min(size, tries - tried))
        one = rng.integers(GROUPS, size=len(taken))
        other = (one + rng.integers(1, GROUPS, size=len(taken))) % GROUPS
        after = energies_after(group, taken, one, other)
        limit: Any = energies[-1]
        if temperatures is not None:
            hot, cold = temperatures
            # If q has an exponential distribution, d < T q has the probability exp(-d / T).
            limit += hot * (cold / hot) ** (tried / tries) * rng.exponential(size=len(taken))
        kept = np.flatnonzero(after < limit)
        if len(kept) == 0:
            tried, size = tried + len(taken), min(2 * size, BLOCK)
            continue
        first = kept[0]  # it changes the groups, so that the moves after it are not valid
        group = exchanged(group, taken[first], one[first], other[first])
        tried, size = tried + int(first) + 1, int(first) + 8
        kept_tries.append(tried)
        energies.append(float(after[first]))
    return Search(kept_tries, energies, group, tried)


def exchanged(group: np.ndarray, taken: np.ndarray, one: int, other: int) -> np.ndarray:
    """Return the groups (46,) after the prefectures taken (46,) have changed sides."""
    changes = (taken > 0) & ((group == one) | (group == other))
    return np.where(changes, one + other - group, group)


def excess_of(group: np.ndarray) -> np.ndarray:
    """Return 4 A_i - total for the four groups, (4,)."""
    return GROUPS * np.bincount(group, EXACT, GROUPS) - TOTAL


def energy(excess: np.ndarray) -> float:
    """Return E = sum |total / 4 - A_i| in km², given 4 A_i - total, (4,)."""
    return float(np.abs(excess).sum() / UNIT)


def energies_after(
    group: np.ndarray, taken: np.ndarray, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Return E in km² after each of n moves, (n,).

    Move i takes the prefectures taken[i] (46,), which change sides between one[i] and other[i].
    """
    leaving = taken @ (EXACT[:, np.newaxis] * MEMBERS[group])  # area by group, (n, 4)
    move = np.arange(len(taken))
    gain = GROUPS * (leaving[move, other] - leaving[move, one])
    excess = excess_of(group)
    # Only two terms of E change.  All numbers are integers, so that the difference is exact.
    change = np.abs(excess[one] + gain) - np.abs(excess[one])
    change += np.abs(excess[other] - gain) - np.abs(excess[other])
    return (np.abs(excess).sum() + change) / UNIT


def sums(search: Search) -> np.ndarray:
    """Return the areas of the four groups in km², (4,)."""
    return np.bincount(search.group, EXACT, GROUPS) / 100


def lowest(search: Search) -> float:
    """Return the lowest energy of the search."""
    return min(search.energy)


def plot(result: Result) -> dict[str, Any]:
    return {"energy": energy_figure(result), "areas": areas_figure(result.several["falling"])}


def energy_figure(result: Result) -> Any:
    """Draw the energies of all searches against the moves tried."""
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=4.2, height=3.8, sharey=True)
    for rule, color in (("annealing", "C0"), ("falling", "C1")):
        found = result.several[rule]
        draw_energies(panels[0], found, found.energy, color=color, label=RULES[rule])
        for found in result.single[rule]:
            draw_energies(panels[1], found, np.minimum.accumulate(found.energy), color=color)
    for axes in panels:
        axes.axhline(GOAL, color="black", linestyle=":", label="0.04 km², where the text ends")
    panels[0].set(ylabel="E in km²", title="several prefectures per move")
    panels[1].set(title="one prefecture per move: lowest E so far")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    return figure


def areas_figure(search: Search) -> Any:
    """Draw by how much the area of each group differs from a quarter of the total."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    areas = sums(search)
    differences = excess_of(search.group) / UNIT
    groups = [f"group {i}\n{area:,.2f} km²" for i, area in enumerate(areas, 1)]
    drawn = axes.bar(groups, differences)
    axes.bar_label(drawn, [f"{d:+.2f}" if d else "0" for d in differences], padding=4)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.margins(y=0.2)
    axes.set(ylabel=f"difference from {TOTAL / UNIT:,.2f} km², in km²")
    axes.set_title(f"sum of the differences without their signs: E = {search.energy[-1]:.2f} km²")
    return figure


def draw_energies(axes: Any, search: Search, energies: Sequence[float], **style: Any) -> None:
    """Draw energies against the moves tried.  The last energy lasts to the end of the search."""
    tries = [1, *search.tries[1:], search.tried]  # the logarithmic axis has no 0
    axes.step(tries, [*energies, energies[-1]], where="post", linewidth=1, **style)
    axes.set(xscale="log", yscale="log", xlabel="moves tried")


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "sum of the 46 areas in km²: ours, another copy, as published",
            (PUBLISHED_TOTAL,) * 2,
            lambda result: [sums(result.several["falling"]).sum(), sum(OTHER_AREAS.values())],
            atol=0.1,
            why="each prefecture is rounded to 0.01 km²",
            printed=False,
            digits=8,
        ),
        Claim.between(
            "E at the end in km², several prefectures per move",
            GOAL,
            lambda result: result.several["falling"].energy[-1],
            0,
            GOAL,
            why="the search ends there; its last move may lead below",
        ),
        Claim.shown(
            "lowest E in km² of all starts, one prefecture per move, as the text moves",
            GOAL,
            lambda result: min(lowest(search) for search in result.single["falling"]),
        ),
        Claim(
            "moves tried, and moves kept",
            None,
            lambda result: (
                result.several["falling"].tried,
                len(result.several["falling"].tries) - 1,
            ),
            lambda v: 0 < v[1] < 0.01 * v[0],
            condition="the second above 0 and below 1% of the first",
            why="how many are tried is chance; 1% are few",
        ),
        Claim.between(
            "lowest E with several prefectures per move, if E must fall and by annealing",
            None,
            lambda result: [lowest(result.several[rule]) for rule in RULES],
            0,
            100,
            why="single moves end far above; how many moves annealing may try is chance",
            digits=2,
        ),
        Claim(
            "lowest E with one prefecture per move, by the same two rules, mean of all starts",
            None,
            lambda result: [
                float(np.mean([lowest(search) for search in result.single[rule]])) for rule in RULES
            ],
            lambda v: 0 <= v[1] < v[0],
            condition="the second is smaller, and not below 0",
            why="how much smaller depends on the seed",
        ),
    ],
    quick={"tries": 100_000, "single_tries": 1_000},
)

if __name__ == "__main__":
    experiment.main()
