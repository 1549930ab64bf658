"""What chapter scripts share: an experiment, its claims, its command line and its files."""

from dlbasics._internal.reprs import Record
from dlbasics.datasets.choice import Data, load_data
from dlbasics.experiment.claims import LEFT_OUT, Claim, Verdict, judge
from dlbasics.experiment.experiment import Experiment, Progress
from dlbasics.experiment.workers import processes

__all__ = [
    "LEFT_OUT",
    "Claim",
    "Data",
    "Experiment",
    "Progress",
    "Record",
    "Verdict",
    "judge",
    "load_data",
    "processes",
]
