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
        goal: The energy in km² at which a search ends.
        tries: The largest number of moves of several prefectures.
        single_tries: The largest number of moves of a single prefecture.
        starts: The number of searches with moves of a single prefecture, by each rule.
    """

    goal: float = 0.04
    tries: int = 50_000_000
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
    from dlbasics import plotting

    curves, panels = plotting.subplots(1, 2, width=5.0, sharey=True)
    for rule, color in (("annealing", "C0"), ("falling", "C1")):
        found = result.several[rule]
        draw_energies(panels[0], found, found.energy, color=color, label=RULES[rule])
        for found in result.single[rule]:
            draw_energies(panels[1], found, np.minimum.accumulate(found.energy), color=color)
    panels[0].set(ylabel="E in km²", title="several prefectures per move")
    panels[0].legend(frameon=False)
    panels[1].set_title("one prefecture per move, each start: lowest E so far")

    bars, axes = plotting.subplots()
    areas = sums(result.several["falling"])
    drawn = axes.bar([f"group {i}" for i in range(1, GROUPS + 1)], areas)
    axes.bar_label(drawn, [f"{area:,.2f}" for area in areas], padding=4)
    axes.axhline(TOTAL / UNIT, color="black", linewidth=0.8, label="a quarter of the total")
    axes.set(ylabel="area in km²", ylim=(0, 1.25 * areas.max()))
    axes.legend(frameon=False, loc="upper right")
    return {"energy": curves, "areas": bars}


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
        Claim(
            "sum of the 46 areas in km², two copies (published for Japan without Hokkaido)",
            PUBLISHED_TOTAL,
            lambda result: [sums(result.several["falling"]).sum(), sum(OTHER_AREAS.values())],
            lambda v: all(abs(total - PUBLISHED_TOTAL) < 0.1 for total in v),
            digits=8,
        ),
        Claim(
            "E at the end in km², several prefectures per move",
            0.04,
            lambda result: result.several["falling"].energy[-1],
            lambda v: 0 <= v <= 0.04,
        ),
        Claim.shown(
            "lowest E in km² of all starts, one prefecture per move, as the text moves",
            0.04,
            lambda result: min(lowest(search) for search in result.single["falling"]),
        ),
        Claim(
            "moves tried, and moves kept",
            "few are kept",
            lambda result: (
                result.several["falling"].tried,
                len(result.several["falling"].tries) - 1,
            ),
            lambda v: 0 < v[1] < 0.001 * v[0],
        ),
        Claim(
            "lowest E with several prefectures per move, if E must fall and by annealing",
            "both small",
            lambda result: [lowest(result.several[rule]) for rule in RULES],
            lambda v: all(0 <= energy < 1 for energy in v),
            digits=2,
        ),
        Claim(
            "lowest E with one prefecture per move, by the same two rules, mean of all starts",
            "annealing lower",
            lambda result: [
                float(np.mean([lowest(search) for search in result.single[rule]])) for rule in RULES
            ],
            lambda v: 0 <= v[1] < v[0],
        ),
    ],
    quick={"tries": 100_000, "single_tries": 1_000},
)

if __name__ == "__main__":
    experiment.main()
