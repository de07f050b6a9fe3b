"""Learned soup (Wortsman et al. 2022, appendix I): mixing shares found by gradient descent."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.results.scores import iid_rows
from dropout_ft.training.segments import StateDict
from holdfast.seeding import fold_seed

MOST_INPUTS = 1024
"""At most so many validation images are used."""


def mix(members: Sequence[StateDict], shares: Tensor) -> StateDict:
    """Return the weighted mean of members; counters come from the first.

    Args:
        members: weights of one architecture.
        shares: (M,) of each member, adding up to one.
    """
    mixed = {}
    for name, value in members[0].items():
        if value.is_floating_point():
            stacked = torch.stack([member[name] for member in members])
            mixed[name] = torch.tensordot(shares.to(stacked.dtype), stacked, dims=1)
        else:
            mixed[name] = value
    return mixed


def learn_shares(
    members: Sequence[StateDict],
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    steps: int = 60,
    batch_size: int = 128,
    learning_rate: float = 0.05,
    seed: int = 0,
) -> tuple[Tensor, float]:
    """Fit the shares, and a temperature of the logits, to held-out i.i.d. samples.

    Args:
        members: weights of ``network``.
        network: maps ``inputs`` to logits; left as it is.
        inputs: (N, ...) of the validation set.
        labels: (N,) classes.
        steps: of AdamW.
        batch_size: samples a step.
        learning_rate: of the shares' logits; the paper's 0.05.
        seed: of the batches.

    Returns:
        Shares (M,) on the simplex, and the factor of the logits that fits best.
    """
    raw = torch.zeros(len(members), requires_grad=True)
    log_scale = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.AdamW([raw, log_scale], lr=learning_rate, weight_decay=0.0)
    generator = torch.Generator().manual_seed(fold_seed("learned soup", seed) % 2**63)
    network.eval()
    trained = {name for name, _ in network.named_parameters()}
    for _ in range(steps):
        rows = torch.randint(len(labels), (min(batch_size, len(labels)),), generator=generator)
        mixed = mix(members, raw.softmax(0))
        # Running statistics are mixed too, but no gradient goes through them.
        weights = {name: v if name in trained else v.detach() for name, v in mixed.items()}
        logits = functional_call(network, weights, (inputs[rows],))
        loss = F.cross_entropy(log_scale.exp() * logits, labels[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return raw.detach().softmax(0), float(log_scale.detach().exp())


@method
class LearnedSoup(Method):
    """A weighted mean of the runs, the weights fitted to the i.i.d. validation images."""

    name = "learned soup"
    description = "mixing weights fitted to the i.i.d. validation images"
    marker = ">"
    order = 160
    over = "runs"
    asked = True
    kept = True

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Fit the mixing weights and evaluate the mean."""
        check_same_tables(runs)
        evaluation = Reevaluation(runs[0])
        members = [final_weights(run) for run in runs]
        rows = np.flatnonzero(iid_rows(runs[0].table))
        keep = np.zeros(len(runs[0].table), dtype=bool)
        keep[rows[np.linspace(0, len(rows) - 1, min(MOST_INPUTS, len(rows))).astype(int)]] = True
        inputs, labels = evaluation.inputs(keep)
        network = evaluation.model.cpu()
        weights, _ = learn_shares(members, network, inputs, labels)
        with torch.no_grad():
            mixed = mix(members, weights)
        evaluation.model.to(evaluation.device)
        return [evaluation.scores(mixed)]
