"""The figures that a picture tells better, as SVG; the same figures make the same bytes."""

from .scenarios import SCENARIOS
from .servers import TARGETS
from .summary import figures_by_round, spread_of

COLORS = dict(zip(TARGETS, ("#1b6ca8", "#d1495b", "#edae49", "#66a182", "#8d96a3")))


def bars(results, letters, figure_names):
    """(labels, {target: [Spread or None, for each label]}), of what was measured."""
    there = [letter for letter in letters if letter in results]
    found = {}
    for name in TARGETS:
        spreads = [
            spread_of(figures_by_round(SCENARIOS[letter], results[letter]), name, figure)
            for letter in there
            for figure in figure_names
        ]
        if any(spreads):
            found[name] = spreads
    labels = [
        f"{letter}: {figure}" if len(figure_names) > 1 else f"{letter}" for letter in there for figure in figure_names
    ]
    return labels, found


def draw(pyplot, path, title, unit, labels, found, log):
    figure, axes = pyplot.subplots(figsize=(1.5 + 1.6 * len(labels), 3.6))
    width = 0.8 / len(found)
    for number, (name, spreads) in enumerate(found.items()):
        at = [i + (number - (len(found) - 1) / 2) * width for i, each in enumerate(spreads) if each]
        there = [each for each in spreads if each]
        medians = [each.median for each in there]
        errors = [[each.median - each.least for each in there], [each.most - each.median for each in there]]
        axes.bar(at, medians, width, yerr=errors, label=name, color=COLORS[name], error_kw={"linewidth": 0.8})
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel(unit)
    axes.set_title(title, fontsize=10)
    if log:
        axes.set_yscale("log")
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


PLOTS = (
    ("cpu", "server CPU per delivery, by scenario", "us (log)", "abc", ("CPU per delivery",), True),
    ("latency", "latency, by scenario", "ms (log)", "abc", ("latency p50", "latency p99"), True),
    ("memory", "resident memory per idle connection", "KB", "d", ("resident per connection",), False),
)


def write(results, directory, stem):
    """Writes <stem>-<plot>.svg for what was measured. Returns [(title, file name)]."""
    import matplotlib  # here, so that everything else works without it

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "starling", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    written = []
    for name, title, unit, letters, figure_names, log in PLOTS:
        labels, found = bars(results, letters, figure_names)
        if not found:
            continue
        file = f"{stem}-{name}.svg"
        draw(pyplot, directory / file, title, unit, labels, found, log)
        written.append((title, file))
    return written
