"""Pre-trained networks that turn a picture into one vector, without a classifier."""

from dropout_ft.nn.backbones.base import Backbone, Preprocessing
from dropout_ft.nn.backbones.last_blocks import LastBlocks
from dropout_ft.nn.backbones.open_clip_backbone import OpenClipBackbone
from dropout_ft.nn.backbones.timm_backbone import TimmBackbone

__all__ = ["Backbone", "LastBlocks", "OpenClipBackbone", "Preprocessing", "TimmBackbone"]
