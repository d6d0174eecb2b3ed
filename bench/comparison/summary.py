"""From the results of all rounds to the figures of the report."""

from .spread import spread


def figures_by_round(scenario, rounds):
    """[{target: {figure: value}}], a round each."""
    return [{name: scenario.figures_of(result.parts) for name, result in each.items()} for each in rounds]


def spread_of(figures, target, name):
    return spread([each.get(target, {}).get(name) for each in figures])


def limited(rounds, target, figure):
    """In how many rounds was the generator the limit of this figure?"""
    return sum(each[target].limited(figure.limited_by) for each in rounds if target in each)


def aim_results(scenario, rounds):
    """[(aim, spread of its values or None, reached or None)]. A ratio is taken within each round."""
    figures = figures_by_round(scenario, rounds)
    found = []
    for aim in scenario.aims:
        values = spread([aim.value(each) for each in figures])
        found.append((aim, values, aim.reached(values.median) if values else None))
    return found


def missing(letters, rounds, results):
    """{letter: number of rounds that were to be done and are not}"""
    left = {letter: rounds - len(results.get(letter, [])) for letter in letters}
    return {letter: count for letter, count in left.items() if count}


def targets_of(rounds):
    """Those that took part, in the order of the first round."""
    return list(rounds[0]) if rounds else []
