"""Model selection as DomainBed does it, to the last digit of its tables (``model_selection.py``).

Every rule looks at the records of one (trial seed, data set, algorithm, test domain) and returns
what it chose; none looks at the accuracy it reports before choosing, except the oracle, by name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.domainbed.records import Record


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a rule chose.

    Attributes:
        validation: the accuracy it chose by, in [0, 1].
        test: accuracy on the ``in`` part of the test domain, in [0, 1].
        step: of the chosen evaluation.
        hparams_seed: of the chosen hyper-parameters.
    """

    validation: float
    test: float
    step: int
    hparams_seed: int


Rule = Callable[[Sequence[Record], int], Choice | None]


def training_domain(records: Sequence[Record], test_env: int) -> Choice | None:
    """Choose by the mean accuracy on the ``out`` parts of the training domains ("IID").

    The best step of each run (the first, where several are equal), then the best run.
    """

    def of_run(run: Sequence[Record]) -> Choice | None:
        return _best([_by_validation(r, test_env) for r in run if r.test_envs == (test_env,)])

    return _best_run(records, of_run)


def leave_one_domain_out(records: Sequence[Record], test_env: int) -> Choice | None:
    """Choose by the accuracy that runs without a second domain reach on that domain.

    A step counts only if such a run exists for every other domain: without the two-domain runs
    (``--single_test_envs``) there is nothing to choose by.
    """

    def of_run(run: Sequence[Record]) -> Choice | None:
        steps = sorted({record.step for record in run})
        return _best([_by_other_domains(run, step, test_env) for step in steps])

    return _best_run(records, of_run)


def oracle(records: Sequence[Record], test_env: int) -> Choice | None:
    """Choose the run by the ``out`` part of the test domain itself, at its last step only."""

    def of_run(run: Sequence[Record]) -> Choice | None:
        single = [r for r in run if r.test_envs == (test_env,)]
        if not single:
            return None
        last = max(single, key=lambda record: record.step)
        return _choice(last, last.accuracy(test_env, "out"), test_env)

    return _best_run(records, of_run)


def last_step(records: Sequence[Record], test_env: int) -> Choice | None:
    """Choose the run by the training domains, but always its last step."""

    def of_run(run: Sequence[Record]) -> Choice | None:
        single = [r for r in run if r.test_envs == (test_env,)]
        return _by_validation(max(single, key=lambda r: r.step), test_env) if single else None

    return _best_run(records, of_run)


RULES: dict[str, tuple[str, Rule]] = {
    "iid": ("training-domain validation set", training_domain),
    "leave-one-domain-out": ("leave-one-domain-out cross-validation", leave_one_domain_out),
    "oracle": ("test-domain validation set (oracle)", oracle),
    "last": ("last step, training-domain validation set", last_step),
}
"""By name on the command line: DomainBed's own name, and the rule."""


def _by_validation(record: Record, test_env: int) -> Choice:
    others = [env for env in range(record.envs) if env != test_env]
    accuracies = [record.accuracy(env, "out") for env in others]
    return _choice(record, float(np.mean(accuracies)) if others else float("nan"), test_env)


def _by_other_domains(run: Sequence[Record], step: int, test_env: int) -> Choice | None:
    at_step = [record for record in run if record.step == step]
    single = next((r for r in at_step if r.test_envs == (test_env,)), None)
    if single is None:
        return None
    found: dict[int, float] = {}
    for record in at_step:
        if len(record.test_envs) == 2 and test_env in record.test_envs:
            other = next(env for env in record.test_envs if env != test_env)
            found[other] = record.accuracy(other, "in")
    if set(found) != {env for env in range(single.envs) if env != test_env}:
        return None
    return _choice(single, float(np.mean([found[env] for env in sorted(found)])), test_env)


def _choice(record: Record, validation: float, test_env: int) -> Choice:
    return Choice(
        validation=validation,
        test=record.accuracy(test_env, "in"),
        step=record.step,
        hparams_seed=record.hparams_seed,
    )


def _best_run(
    records: Sequence[Record], of_run: Callable[[Sequence[Record]], Choice | None]
) -> Choice | None:
    """Apply a rule to the runs of each hyper-parameter seed and keep the best choice.

    Of equal ones the highest seed wins: DomainBed sorts by accuracy, stably, and reverses the list.
    """
    seeds = sorted({record.hparams_seed for record in records}, reverse=True)
    return _best([of_run([r for r in records if r.hparams_seed == seed]) for seed in seeds])


def _best(choices: Iterable[Choice | None]) -> Choice | None:
    """Return the first maximum of the validation accuracy."""
    real = [c for c in choices if c is not None and not np.isnan(c.validation)]
    return max(real, key=lambda choice: choice.validation) if real else None
