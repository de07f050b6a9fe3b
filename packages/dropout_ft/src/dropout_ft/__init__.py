"""Fine-tuning with very large dropout (Zhang & Bottou, arXiv 2403.00946).

``dropout_ft.load("model")`` gives a trained classifier.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dropout_ft.loading import LoadedClassifier

__version__ = "0.1.0"


def load(source: "str | Path") -> "LoadedClassifier":
    """Load a trained classifier.

    Args:
        source: a checkpoint of ``dropout-ft fit``, or a folder that ``dropout-ft export`` or
            ``advise`` wrote (``model.safetensors`` and ``config.json``, as on the hub).

    Examples:
        >>> answers = dropout_ft.load("advice/model").classify(["a.jpg"])  # doctest: +SKIP
        >>> answers[0]["cat"]                                              # doctest: +SKIP
        0.93

    Raises:
        CheckpointError: missing, damaged, or neither of the two.
    """
    from dropout_ft.loading import load_classifier  # noqa: PLC0415  (slow to import)

    return load_classifier(source)
