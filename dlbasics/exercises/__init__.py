"""The checks of the notebooks' exercises: one module for each chapter.

A checking cell calls a check with the reader's answer.  It shows what the check returns, a
`Verdict`: right, or wrong and why, or not solved yet.

    from dlbasics.exercises import ch02_perceptron as check

    check.nand(NAND)

A check for an exercise of your own is a function with the decorator `exercise`.
"""

from dlbasics.exercises.verdict import Unsolved, Verdict, Wrong, exercise, expect

__all__ = ["Unsolved", "Verdict", "Wrong", "exercise", "expect"]
