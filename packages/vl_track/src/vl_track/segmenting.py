"""From boxes to masks: SAM 2 or SAM 3 of Hugging Face, from a folder."""

import importlib
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ConfigError, MissingToolError
from vl_track.data.geometry import Box
from vl_track.video.frames import Image

Mask = NDArray[np.bool_]
MODELS = {
    "sam2": ("Sam2Model", "Sam2Processor"),
    "sam2_video": ("Sam2Model", "Sam2Processor"),
    "sam3_tracker": ("Sam3TrackerModel", "Sam3TrackerProcessor"),
    "sam3_tracker_video": ("Sam3TrackerModel", "Sam3TrackerProcessor"),
    "sam3_video": ("Sam3TrackerModel", "Sam3TrackerProcessor"),
}
"""By the ``model_type`` of a folder's ``config.json``; no other class is ever loaded."""
SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is downloaded. Without the second, a folder's own Python may ask to be run, and is run
where somebody answers yes."""


class Segmenter(Protocol):
    """What draws the objects' outlines."""

    def masks(self, image: Image, boxes: Sequence[Box]) -> list[Mask]:
        """Return the mask of the object in each box.

        Args:
            image: RGB uint8 (H, W, 3).
            boxes: x, y, width, height in pixels, at least one.

        Returns:
            A bool (H, W) for each.
        """


class TransformersSegmenter:
    """SAM 2 or the tracker of SAM 3, prompted with boxes. Nothing is downloaded.

    Args:
        folder: with ``config.json``, the processor's files and safetensors, as Hugging Face has it.
        device: where it runs.

    Raises:
        ConfigError: the folder holds no such model, weights are missing, or it wants code of its
            own to be run.
        MissingToolError: transformers is not installed.
    """

    def __init__(self, folder: str, device: str = "cpu") -> None:
        if find_spec("transformers") is None:
            raise MissingToolError("Masks need transformers: `pip install transformers`.")
        place = Path(folder).expanduser()
        model, processor = _classes(place)
        self.device = device
        self._torch: Any = importlib.import_module("torch")
        try:
            found: Any = importlib.import_module("transformers")
            self._processor = getattr(found, processor).from_pretrained(place, **SAFELY)
            self._model, told = getattr(found, model).from_pretrained(
                place, use_safetensors=True, output_loading_info=True, **SAFELY
            )
        except (OSError, ValueError, AttributeError, RuntimeError, _safetensors_error()) as error:
            raise ConfigError(f"The segmenter in {folder} cannot be opened ({error}).") from error
        missing = sorted(told["missing_keys"])
        if missing:  # transformers fills them with random numbers
            raise ConfigError(
                f"The segmenter in {folder} lacks {len(missing)} of its weights, {missing[0]} for "
                "one: its masks would mean nothing. Get the whole model."
            )
        self._model = self._model.to(device).eval()

    def masks(self, image: Image, boxes: Sequence[Box]) -> list[Mask]:
        """Return the mask of the object in each box."""
        corners = [[x, y, x + width, y + height] for x, y, width, height in boxes]
        given = self._processor(images=image, input_boxes=[corners], return_tensors="pt")
        given = given.to(self.device)
        with self._torch.inference_mode():
            answer = self._model(**given, multimask_output=False)
        (masks,) = self._processor.post_process_masks(
            answer.pred_masks.cpu(), given["original_sizes"].cpu()
        )
        found = masks.numpy().astype(np.bool_)[:, 0]
        return [_kept(one, image) for one in found]


def _kept(mask: Mask, image: Image) -> Mask:
    if mask.shape != image.shape[:2]:
        raise ConfigError(
            f"The segmenter's masks have shape {mask.shape} for a frame of {image.shape[:2]}."
        )
    return mask


def _safetensors_error() -> type[Exception]:
    error: type[Exception] = importlib.import_module("safetensors").SafetensorError
    return error


def _classes(folder: Path) -> tuple[str, str]:
    place = folder / "config.json"
    try:
        kind = json.loads(place.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{place} cannot be read ({error}): --segmenter is a folder of a SAM 2 or SAM 3 model."
        ) from error
    if kind not in MODELS:
        raise ConfigError(f"{folder} holds a model of type {kind}; known are {', '.join(MODELS)}.")
    return MODELS[kind]
