"""CAT and two-stage fine-tuning (Zhang & Bottou 2023): concatenate representations, probe once.

Runs that differ in their seed are fine-tuned separately; their penultimate representations are
concatenated and one linear layer is trained on top, the networks frozen ("[2ft]cat").
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.results.scores import score
from holdfast.seeding import fold_seed

PROBE_BATCHES = 60
"""Training batches whose representations the linear layer is fitted to."""


def probe_concatenation(
    train: Sequence[Tensor],
    labels: Tensor,
    test: Sequence[Tensor],
    *,
    classes: int,
    dropout_rate: float = 0.0,
    steps: int = 2000,
    learning_rate: float = 0.1,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> Tensor:
    """Fit a linear layer on concatenated representations and return the test logits.

    Each representation is standardised by its training mean and deviation and divided by the root
    of the width, so that the step does not depend on how many are concatenated.

    Args:
        train: (N, F_m) training representations of each network.
        labels: (N,) classes.
        test: (T, F_m) test representations of each network.
        classes: how many there are.
        dropout_rate: dropout on the concatenation.
        steps: of SGD on 128 samples.
        learning_rate: peak of a cosine, divided by one over (1 - rate).
        weight_decay: of the layer.
        seed: of batches, masks and start.

    Returns:
        (T, classes) logits.
    """
    joined, other = _standardise(torch.cat(list(train), 1), torch.cat(list(test), 1))
    with torch.random.fork_rng():
        torch.manual_seed(fold_seed("concatenation", seed))
        layer = nn.Linear(joined.shape[1], classes)
        nn.init.zeros_(layer.weight)
        optimizer = torch.optim.SGD(
            layer.parameters(),
            lr=learning_rate * (1 - dropout_rate),
            momentum=0.9,
            weight_decay=weight_decay,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            rows = torch.randint(len(labels), (128,))
            loss = F.cross_entropy(layer(F.dropout(joined[rows], dropout_rate)), labels[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        logits: Tensor = layer(other)
    return logits


def _standardise(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = train.mean(0), train.std(0)
    deviation = deviation.clamp_min(1e-3 * float(deviation.mean())).clamp_min(1e-12)
    root = train.shape[1] ** 0.5
    return (train - mean) / deviation / root * 8, (test - mean) / deviation / root * 8


@method
class Concatenation(Method):
    """Representations of all runs side by side, one linear layer."""

    name = "concatenation"
    description = "CAT: representations of all runs side by side, one linear layer"
    marker = "H"
    order = 170
    over = "runs"
    networks = 0
    asked = True
    kept = True

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Probe the representations under the dropout the runs were trained with."""
        check_same_tables(runs)
        train, test = [], []
        for run in runs:
            evaluation = Reevaluation(run)
            evaluation.data.seed = 0  # the same training images for every network
            found, labels = evaluation.features(evaluation.final, training_batches=PROBE_BATCHES)
            train.append(found)
            test.append(evaluation.features(evaluation.final)[0])
        logits = probe_concatenation(
            train,
            labels,
            test,
            classes=len(runs[0].table.class_names),
            dropout_rate=runs[0].coordinates.dropout_rate,
        )
        return [{"members": len(runs), **score(logits.numpy(), runs[0].table)}]
