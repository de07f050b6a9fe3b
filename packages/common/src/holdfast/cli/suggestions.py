"""The nearest known name, for messages about a misspelt one; imports nothing heavy."""

import difflib


def nearest_key(unknown: str, known: list[str]) -> str | None:
    """Return the known dotted key most like ``unknown``, or None if none is near.

    The last part is compared first, because a misspelt key usually sits at the right place. Small
    and capital letters count as the same.
    """
    spelt = {key.lower(): key for key in reversed(known)}
    found = _nearest(unknown.lower(), [key.lower() for key in known])
    return spelt[found] if found is not None else None


def _nearest(unknown: str, known: list[str]) -> str | None:
    whole = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    leaf = unknown.rsplit(".", 1)[-1]
    leaves = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    near = difflib.get_close_matches(leaf, list(leaves), n=1, cutoff=0.7)
    if near:
        return leaves[near[0]]
    if whole:
        return whole[0]
    parts = [key for name, key in leaves.items() if len(leaf) > 3 and leaf in name]
    return parts[0] if len(parts) == 1 else None


def hint(near: str | None) -> str:
    """Return the sentence that offers ``near``, or nothing."""
    return f" Did you mean '{near}'?" if near else ""
