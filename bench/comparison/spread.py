"""Several measurements of one thing."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    def text(self, decimals):
        """`12.3 (11.8 to 12.9)`, or the bare figure if there is nothing around it."""
        median, least, most = (f"{value:,.{decimals}f}" for value in (self.median, self.least, self.most))
        return median if least == most else f"{median} ({least} to {most})"


def spread(values):
    """The spread of those that were measured; None if there are none."""
    there = [value for value in values if value is not None]
    return Spread(statistics.median(there), min(there), max(there)) if there else None


def ratio(a, b):
    """a / b, or None where that says nothing."""
    return a / b if a is not None and b else None
