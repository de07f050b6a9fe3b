"""The network in pure PyTorch; it knows nothing of Lightning."""

from vl_track.nn.alignment import Alignment
from vl_track.nn.backbone import Backbone, JointTransformer
from vl_track.nn.network import AllInOne

__all__ = ["Alignment", "AllInOne", "Backbone", "JointTransformer"]
