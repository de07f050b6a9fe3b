"""The network in pure PyTorch; it knows nothing of Lightning. Names are lazy, as torch is slow."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from vl_track.nn.alignment import Alignment
    from vl_track.nn.backbone import Backbone, JointTransformer
    from vl_track.nn.network import AllInOne

__all__ = ["Alignment", "AllInOne", "Backbone", "JointTransformer"]

__getattr__ = lazy_names(
    __name__,
    {
        "Alignment": "vl_track.nn.alignment",
        "AllInOne": "vl_track.nn.network",
        "Backbone": "vl_track.nn.backbone",
        "JointTransformer": "vl_track.nn.backbone",
    },
)
