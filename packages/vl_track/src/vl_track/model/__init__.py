"""The network in pure PyTorch; it knows nothing of Lightning."""

from vl_track.model.alignment import Alignment
from vl_track.model.backbone import JointTransformer
from vl_track.model.network import AllInOne

__all__ = ["Alignment", "AllInOne", "JointTransformer"]
