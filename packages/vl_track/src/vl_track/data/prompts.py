"""Which parts of an annotation name the object: to a tracker, and in a training pair."""

from typing import Literal

PromptKind = Literal["box+text", "box", "text"]
PROMPTS: tuple[PromptKind, ...] = ("box+text", "box", "text")
