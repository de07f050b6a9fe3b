"""Logistic regression of a few numbers."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def logistic(
    numbers: NDArray[np.float64], truth: NDArray[np.bool_], ridge: float
) -> tuple[NDArray[np.float64], float]:
    """Return the weights (C,) and the bias of the most likely logistic model.

    Args:
        numbers: (N, C).
        truth: (N,), of both kinds.
        ridge: weight of the squared weights of the standardised numbers in the loss.
    """
    mean, spread = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    weights, bias = _most_likely((numbers - mean) / spread, truth, ridge)
    plain = weights / spread
    return plain, float(bias - plain @ mean)


def _most_likely(
    numbers: NDArray[np.float64], truth: NDArray[np.bool_], ridge: float
) -> tuple[NDArray[np.float64], float]:
    given, wanted = torch.from_numpy(numbers), torch.from_numpy(truth).double()
    weights = torch.zeros(numbers.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = torch.nn.functional.binary_cross_entropy_with_logits(given @ weights + bias, wanted)
        found = found + ridge * (weights**2).sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), float(bias.detach())
