"""Greedy soups (Wortsman et al. 2022) and DiWA's restricted selection (Rame et al. 2022).

The uniform soup is :func:`dropout_ft.methods.weight_average.average_weights`.
"""

from collections.abc import Callable, Sequence

from dropout_ft.methods.weight_average import StateDict, average_weights

Validate = Callable[[StateDict], float]


def greedy_soup(
    members: Sequence[StateDict],
    accuracies: Sequence[float],
    validate: Validate,
    *,
    equal_enters: bool = False,
) -> tuple[StateDict, list[int]]:
    """Add members in the order of their accuracy as long as the average does not get worse.

    Args:
        members: weights of one architecture.
        accuracies: i.i.d. validation accuracy of each.
        validate: i.i.d. validation accuracy of weights.
        equal_enters: whether a member enters that leaves the accuracy equal: DiWA's restricted
            selection accepts it (>=), the greedy soup does not (>).

    Returns:
        The soup, and the members in it in the order they entered.
    """
    order = sorted(range(len(members)), key=lambda place: -accuracies[place])
    chosen = [order[0]]
    best = accuracies[order[0]]
    soup = members[order[0]]
    for place in order[1:]:
        candidate = average_weights([members[i] for i in [*chosen, place]])
        accuracy = validate(candidate)
        if accuracy > best or (equal_enters and accuracy == best):
            chosen, best, soup = [*chosen, place], accuracy, candidate
    return soup, chosen
