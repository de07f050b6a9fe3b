"""The head's start: feature statistics, and a linear probe on the frozen representation."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.clip_text import TEMPLATES, check_templates, set_prompt_head
from dropout_ft.training.objectives.flyp import text_tower_of
from holdfast.console import say


class HeadStart:
    """Gives the head of a fresh run its start.

    Attributes:
        shared: whether runs of other seeds start from the very same head.
        seed: of the batches, where it is shared.
    """

    shared: bool = False
    seed: int = 0

    def apply(
        self,
        model: Classifier,
        loader: Callable[[], Iterable[Mapping[str, Tensor]]],
        class_names: Sequence[str] = (),
    ) -> None:
        """Change the head in place.

        Args:
            model: its backbone is not changed.
            loader: makes a loader of whole steps' batches, the same on every process.
            class_names: in label order.
        """
        raise NotImplementedError


class PromptHead(HeadStart):
    """Start the head from class prompts: before the first step the network is zero-shot CLIP.

    Args:
        templates: of prompts, each with one ``{}`` for the class's name; their embeddings are
            averaged. Underscores in names are read as spaces.
    """

    def __init__(self, templates: Sequence[str] = TEMPLATES) -> None:
        check_templates(templates)
        self.templates = tuple(templates)

    def apply(
        self,
        model: Classifier,
        loader: Callable[[], Iterable[Mapping[str, Tensor]]],
        class_names: Sequence[str] = (),
    ) -> None:
        """Set the head's weights; no batch is drawn.

        Raises:
            ConfigError: the backbone has no text tower, or the head does not compute cosines.
        """
        text = text_tower_of(model, "PromptHead").to(model.mean.device)
        with torch.no_grad():
            set_prompt_head(model.head, text, text.classes(class_names, self.templates))


class HeadWarmStart(HeadStart):
    """Fit the head on the frozen pre-trained representation before fine-tuning starts.

    Large dropout on a random head sends large noisy gradients into the backbone; a head that
    already classifies under the same dropout does not. (Linear probing then fine-tuning, Kumar et
    al. 2022, is the same idea for another reason.)

    Args:
        steps: SGD steps of the probe, with the head's own dropout; 0 only measures the statistics.
        batches: batches of whole training steps, whose features are collected once; the probe
            draws from them.
        learning_rate: peak rate of the probe for features of unit scale; it decays by a cosine and
            is multiplied by (1 - rate) / feature_scale**2, the inverse of the features' power.
        weight_decay: of the probe, for features of unit scale.
        seed: of the probe's batches and masks.
        shared: give every run of the same data, rate and test domain the very same head, whatever
            its own seed: batches, masks and the probe's start then follow ``seed``. DiWA's runs
            start so, and lie in one basin.
    """

    def __init__(
        self,
        steps: int = 1500,
        batches: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 1e-3,
        seed: int = 0,
        shared: bool = False,
    ) -> None:
        self.steps = steps
        self.batches = batches
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed
        self.shared = shared

    def apply(
        self,
        model: Classifier,
        loader: Callable[[], Iterable[Mapping[str, Tensor]]],
        class_names: Sequence[str] = (),
    ) -> None:
        """Calibrate the head and, if ``steps`` is positive, fit it; the backbone is not changed.

        Args:
            model: its head is changed in place.
            loader: makes a loader of whole steps' batches, the same on every process; used for
                ``batches`` batches.
            class_names: not needed.
        """
        training = model.training
        model.eval()
        features, labels, weights = self._collect(model, loader())
        if not int(model.head.calibrated) and model.head.calibrate(features):
            say(
                "note: the training pictures are much alike: many features hardly vary on them, "
                "and these are not scaled up to the others' size (docs/dropout_ft.md)."
            )
        if self.steps:
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)
                if self.shared:
                    model.head.linear.reset_parameters()
                self._fit(model, features, labels, weights)
        model.train(training)

    @torch.no_grad()
    def _collect(
        self, model: Classifier, batches: Iterable[Mapping[str, Tensor]]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return features (N, F), labels (N,) and weights (N,), if any, of the first batches."""
        device = model.mean.device
        features, labels, weights = [], [], []
        for batch in islice(batches, self.batches):
            features.append(model.features(batch["input"].to(device)))
            labels.append(batch["label"].to(device))
            if "weight" in batch:
                weights.append(batch["weight"].to(device))
        return torch.cat(features), torch.cat(labels), torch.cat(weights) if weights else None

    def _fit(
        self, model: Classifier, features: Tensor, labels: Tensor, weights: Tensor | None
    ) -> None:
        head = model.head
        head.train()
        power = head.feature_scale**2
        optimizer = torch.optim.SGD(
            head.parameters(),
            lr=self.learning_rate * (1 - head.dropout_rate) / power,
            momentum=0.9,
            weight_decay=self.weight_decay * power,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            chosen = torch.randint(len(labels), (96,), device=labels.device)
            logits = head(features[chosen])
            if weights is None:
                loss = F.cross_entropy(logits, labels[chosen])
            else:
                losses = F.cross_entropy(logits, labels[chosen], reduction="none")
                loss = (losses * weights[chosen]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
