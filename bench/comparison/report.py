"""The report in Markdown, and the same in JSON."""

import dataclasses

from .scenarios import SCENARIOS
from .servers import TARGETS
from .summary import aim_results, figures_by_round, limited, spread_of, targets_of

LIMITED = "†"
NOTES = f"""Each figure is the median of the rounds, with the lowest and highest. A ratio is taken between two runs
of the same round, and then the median of these. CPU is that of all server processes, Redis not counted. {LIMITED}: in a
round the generator was the limit, so the figure is its own as much as the server's."""
VERDICTS = {True: "reached", False: "**not reached**", None: "not measured"}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def facts_table(facts):
    return table(["measured on", ""], [[name, str(value)] for name, value in facts.items()])


def targets_table(names):
    rows = [[name, TARGETS[name].about, TARGETS[name].persists] for name in TARGETS if name in names]
    return table(["target", "what it is", "what it persists"], rows)


def aims_table(results):
    rows = []
    for letter, rounds in results.items():
        scenario = SCENARIOS[letter]
        for aim, values, reached in aim_results(scenario, rounds):
            rows.append([letter, aim.text(), values.text(aim.decimals()) if values else "-", VERDICTS[reached]])
    return table(["", "aim", "found", ""], rows)


def cell(figures, figure, target, is_limited):
    values = spread_of(figures, target, figure.name)
    return values.text(figure.decimals) + (LIMITED if is_limited else "") if values else "-"


def figures_table(scenario, rounds):
    figures = figures_by_round(scenario, rounds)
    names = [name for name in TARGETS if name in targets_of(rounds)]
    rows = [
        [figure.title(), *(cell(figures, figure, name, limited(rounds, name, figure)) for name in names)]
        for figure in scenario.figures
    ]
    return table(["", *names], rows)


def plural(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def load(name, part, seconds, quick):
    words = " ".join(part.arguments(seconds, quick))
    return f"- {name + ': ' if name else ''}`starling bench {words}` on {plural(part.nodes, 'node')}"


def loads(scenario, seconds, quick):
    return "\n".join(load(name, part, seconds, quick) for name, part in scenario.parts.items())


def remarks(rounds):
    """What went wrong, and what the generator says before its figures are believed: each line once."""
    lines = {}
    for number, each in enumerate(rounds, 1):
        for name, result in each.items():
            for remark in filter(None, [result.problem, *result.remarks()]):
                lines.setdefault((name, remark), []).append(str(number))
    return "\n".join(f"- {name}, round {', '.join(where)}: {remark}" for (name, remark), where in lines.items())


def section(letter, rounds, seconds, quick):
    scenario = SCENARIOS[letter]
    parts = [
        f"## {letter}: {scenario.title}",
        loads(scenario, seconds, quick),
        figures_table(scenario, rounds),
        remarks(rounds),
    ]
    return "\n\n".join(part for part in parts if part)


def heading(facts, rounds, seconds, quick):
    scale = " A tenth of the clients where there are thousands: a look, not a measurement." if quick else ""
    return f"""# Comparison, {facts['date']}, {facts['commit']}

{plural(rounds, 'round')} of {seconds:g} s each.{scale} How, and what it means:
[docs/BENCHMARK.md](../../docs/BENCHMARK.md)."""


def interruption(why, missing, rounds):
    """What a reader of half a report must know first; `missing` is {letter: number of rounds}."""
    left = ", ".join(f"{letter} {count} of {plural(rounds, 'round')}" for letter, count in missing.items())
    return f"""**Not complete**: {why}. What follows is of the rounds that were done until then; the one under way is
left out. Missing: {left}."""


def markdown(facts, results, rounds, seconds, quick=False, plots=(), notice=""):
    names = {name for each in results.values() for name in targets_of(each)}
    blocks = [
        heading(facts, rounds, seconds, quick),
        *filter(None, [notice]),
        facts_table(facts),
        targets_table(names),
        NOTES,
        "## Aims",
        aims_table(results),
        *(f"![{title}]({file})" for title, file in plots),
        *(section(letter, each, seconds, quick) for letter, each in results.items()),
    ]
    return "\n\n".join(blocks) + "\n"


def plain(facts, results, rounds, seconds, quick, notice=""):
    """The same as what JSON can hold, with everything that the generator told."""
    scenarios = {
        letter: [{name: dataclasses.asdict(result) for name, result in each.items()} for each in done]
        for letter, done in results.items()
    }
    scale = {"rounds": rounds, "seconds": seconds, "quick": quick}
    return {"facts": facts, **scale, "not_complete": notice, "scenarios": scenarios}
