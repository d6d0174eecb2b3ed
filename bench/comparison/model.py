"""What a scenario is made of."""

import dataclasses

from .spread import ratio

MANY_CLIENTS = 1000  # more than these become a tenth for a quick look


@dataclasses.dataclass(frozen=True)
class Part:
    """One load on a fresh cluster. Options are those of `starling bench`, without the dashes."""

    options: dict
    nodes: int = 2
    seconds_min: float = 0
    asks_nodes: bool = False  # are Starling's nodes asked for their /metrics, before and after?

    def arguments(self, seconds, quick):
        lasting = seconds if quick else max(seconds, self.seconds_min)
        options = {**self.options, "seconds": f"{lasting:g}"}
        if quick and options["clients"] > MANY_CLIENTS:
            for name in {"clients", "stalled"} & options.keys():
                options[name] //= 10
        return [word for name, value in options.items() for word in (f"--{name}", str(value))]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A line of the table. `of` takes it from {part: what the generator told}; None where it was not measured."""

    name: str
    unit: str
    of: object
    decimals: int = 1
    limited_by: str = "generator_was_the_limit"  # what the generator tells when the figure is its own

    def title(self):
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclasses.dataclass(frozen=True)
class Aim:
    """Starling's figure against a limit; with `against`, its ratio to that target's in the same round."""

    figure: Figure
    limit: float
    against: str = ""
    at_least: bool = False

    def text(self):
        sign = "≥" if self.at_least else "≤"
        if self.against:
            return f"{self.figure.name} {sign} {self.limit:g} × {self.against}'s"
        return f"{self.figure.name} {sign} {self.limit:g} {self.figure.unit}".rstrip()

    def decimals(self):
        return 2 if self.against else self.figure.decimals

    def value(self, figures):
        """`figures` is {target: {name of the figure: value}} of one round."""
        own = figures.get("starling", {}).get(self.figure.name)
        return ratio(own, figures.get(self.against, {}).get(self.figure.name)) if self.against else own

    def reached(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


@dataclasses.dataclass(frozen=True)
class Scenario:
    letter: str
    title: str
    parts: dict  # name -> Part; a single one has the name ""
    targets: tuple
    figures: tuple
    aims: tuple

    def figures_of(self, parts):
        """{name: value} of what the generator told of each part."""
        return {figure.name: figure.of(parts) for figure in self.figures}
