"""Heads: search features in, boxes and scores out. Each is one file and owns its loss."""

from vl_track.nn.heads.base import Head, HeadLosses, HeadMaker
from vl_track.nn.heads.centre import CentreHead
from vl_track.nn.heads.mlp import MLPHead

__all__ = ["CentreHead", "Head", "HeadLosses", "HeadMaker", "MLPHead"]
