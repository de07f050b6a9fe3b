"""Sentences are true of the target, and of nothing else in the scene."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vl_track.scenes.grammar import (
    POSITIONS,
    TEMPLATES,
    Described,
    facts_about,
    grammar_words,
    relation_words,
    sentence,
)

BASE = Described(
    class_name="star", colour="red", texture="plain", side=40, centre=(0.5, 0.5), motion=""
)
things = st.builds(
    Described,
    class_name=st.sampled_from(["star", "heart"]),
    colour=st.sampled_from(["red", "blue", None]),
    texture=st.sampled_from(["plain", "striped"]),
    side=st.sampled_from([20.0, 40.0, 90.0]),
    centre=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    motion=st.sampled_from(["", "moving left"]),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def words_fit(text: str, one: Described, rivals: list[Described]) -> bool:
    """A slow reader of sentences: is every word of it true of ``one``?"""
    same = [other for other in rivals if other.class_name == one.class_name]
    words = text.split()
    claims = [
        *(one.colour == colour for colour in ("red", "blue") if colour in words),
        *(one.texture == "striped" for word in words if word == "striped"),
        *(one.motion == "moving left" for word in words if word == "moving"),
        *(one.side > other.side for other in same if "large" in words),
        *(one.side < other.side for other in same if "small" in words),
    ]
    for phrase, axis, sign in POSITIONS.values():
        if phrase in text:
            claims += [sign * one.centre[axis] > sign * other.centre[axis] for other in same]
    return one.class_name in words and all(claims)


@settings(max_examples=300, deadline=None)
@given(target=things, others=st.lists(things, max_size=4), seed=st.integers(0, 99))
def test_a_sentence_fits_the_target_and_no_other(
    target: Described, others: list[Described], seed: int
) -> None:
    text = sentence(target, others, "train", rng(seed))
    if text is None or " of the " in text or "above" in text or "below" in text:
        return
    assert words_fit(text, target, others)
    for place, other in enumerate(others):
        rest = [target, *others[:place], *others[place + 1 :]]
        assert not words_fit(text, other, rest), text


def test_a_lone_object_needs_its_noun_only() -> None:
    said = {sentence(BASE, [], "test", rng(seed)) for seed in range(20)}
    assert "keep your eyes on the star" in said


def test_identical_twins_in_one_place_cannot_be_told_apart() -> None:
    assert sentence(BASE, [BASE], "train", rng()) is None


def test_looks_are_said_before_places() -> None:
    twin = replace(BASE, colour="blue", centre=(0.9, 0.5))
    said = [sentence(BASE, [twin], "train", rng(seed)) or "" for seed in range(100)]
    assert np.mean(["red" in text for text in said]) > 0.8


def test_places_are_said_where_looks_are_the_same() -> None:
    twin = replace(BASE, centre=(0.9, 0.5))
    text = sentence(BASE, [twin], "train", rng())
    assert text is not None
    assert "on the left" in text


def test_relations_name_a_thing_that_is_alone_of_its_kind() -> None:
    landmark = Described(
        class_name="heart", colour="red", texture="plain", side=40, centre=(0.5, 0.7), motion=""
    )
    twin = replace(BASE, centre=(0.1, 0.1))
    facts = {fact.words: fact for fact in facts_about(BASE, [twin, landmark])}
    assert "above the heart" in facts
    assert not facts["above the heart"].fits(twin)
    second = replace(landmark, centre=(0.2, 0.7))
    assert "above the heart" not in {f.words for f in facts_about(BASE, [twin, landmark, second])}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0.3, 0.5), "left of"),
        ((0.7, 0.5), "right of"),
        ((0.5, 0.3), "above"),
        ((0.5, 0.7), "below"),
        ((0.7, 0.7), ""),
        ((0.0, 0.5), ""),
    ],
)
def test_relation_words(place: tuple[float, float], words: str) -> None:
    assert relation_words(replace(BASE, centre=place), BASE) == words


def test_wordings_differ_between_splits() -> None:
    assert not set(TEMPLATES["train"]) & set(TEMPLATES["test"])
    assert not set(TEMPLATES["val"]) & set(TEMPLATES["test"])
    assert {"red", "striped", "left", "large"} <= set(grammar_words())
