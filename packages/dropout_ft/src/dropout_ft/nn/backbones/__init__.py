"""Pre-trained networks that turn a picture into one vector, without a classifier."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from dropout_ft.nn.backbones.base import Backbone, Preprocessing
    from dropout_ft.nn.backbones.last_blocks import LastBlocks
    from dropout_ft.nn.backbones.open_clip_backbone import OpenClipBackbone
    from dropout_ft.nn.backbones.timm_backbone import TimmBackbone

__all__ = ["Backbone", "LastBlocks", "OpenClipBackbone", "Preprocessing", "TimmBackbone"]
_PLACES = {
    "Backbone": "dropout_ft.nn.backbones.base",
    "LastBlocks": "dropout_ft.nn.backbones.last_blocks",
    "OpenClipBackbone": "dropout_ft.nn.backbones.open_clip_backbone",
    "Preprocessing": "dropout_ft.nn.backbones.base",
    "TimmBackbone": "dropout_ft.nn.backbones.timm_backbone",
}
__getattr__ = lazy_names(__name__, _PLACES)
