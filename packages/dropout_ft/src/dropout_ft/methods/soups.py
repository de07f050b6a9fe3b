"""Greedy soups (Wortsman et al. 2022) and DiWA's restricted selection (Rame et al. 2022).

The uniform soup is :func:`dropout_ft.methods.weight_average.average_weights`.
"""

from collections.abc import Callable, Sequence

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.training.segments import StateDict

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
    order = sorted(range(len(members)), key=lambda member: -accuracies[member])
    chosen = [order[0]]
    best = accuracies[order[0]]
    soup = members[order[0]]
    for member in order[1:]:
        candidate = average_weights([members[i] for i in [*chosen, member]])
        accuracy = validate(candidate)
        if accuracy > best or (equal_enters and accuracy == best):
            chosen, best, soup = [*chosen, member], accuracy, candidate
    return soup, chosen


class _Soup(Method):
    over = "runs"
    asked = True
    kept = True
    equal_enters = False

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Choose members by the i.i.d. accuracy and evaluate their average.

        Members are evaluated again as their averages are, perhaps on another device or in another
        precision than in training: only such accuracies compare.
        """
        check_same_tables(runs)
        evaluation = Reevaluation(runs[0])
        weights = [final_weights(run) for run in runs]
        accuracies = [evaluation.scores(found)["iid"] for found in weights]
        chosen, members = greedy_soup(
            weights,
            accuracies,
            lambda found: evaluation.scores(found)["iid"],
            equal_enters=self.equal_enters,
        )
        return [{**evaluation.scores(chosen), "members": len(members)}]


@method
class GreedySoup(_Soup):
    """Members enter while the accuracy rises."""

    name = "greedy soup"
    description = "members enter while the i.i.d. accuracy rises"
    marker = "<"
    order = 140


@method
class RestrictedDiWA(_Soup):
    """Members enter while the accuracy does not fall."""

    name = "DiWA, restricted"
    description = "members enter while the i.i.d. accuracy does not fall"
    marker = "v"
    order = 150
    equal_enters = True
