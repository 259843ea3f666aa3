"""Many layers at once: which of them a command means, and which of their flags have to change."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from .control import Control, Refused
from .layer_control import Place, places
from .trainable import Trainable

UNTIL, NAMED = "until:", "named:"
NAMES_SHOWN = 8


@dataclass
class LayerGroup:
    """The flags that a command changes.

    Attributes:
        changes: Each flag and its new value, in the order in which they are to be set.
        left: Why layers of the group stay as they are, by their names.
        size: How many layers with weights the command means.
    """

    changes: list[tuple[Trainable, bool]] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    size: int = 0


def select(model: Any, controls: Mapping[str, Control], which: str | None, value: bool) -> LayerGroup:
    """Find the flags that have to change for layers to train, or not to.

    Layers are frozen one by one, so that each can be unfrozen again by itself; models inside of the model are unfrozen
    first, as nothing in a frozen model trains.

    Args:
        model: The model that trains.
        controls: The controls there are, by name.
        which: ``until:NAME`` for the layers up to and including that one, ``named:TEXT`` for those whose name, or the
            name of a model that they are part of, contains the text in whatever case; None for all.
        value: Whether they are to train.

    Raises:
        Refused: No layer is called so, or none of them has weights.
    """
    found = list(places(model))
    chosen = _chosen(found, which)
    group = LayerGroup()
    opened: set[int] = set()  # models that were frozen and will not be
    for place in chosen:
        control = controls.get(f"{place.name}.trainable")
        if not isinstance(control, Trainable) or control.layer is not place.layer:
            continue
        is_model = isinstance(place.layer, keras.Model)
        group.size += not is_model
        if is_model:
            if value and not place.layer.trainable:
                opened.add(id(place.layer))
                group.changes.append((control, True))
            continue
        shut = [parent.name for parent in place.parents if not parent.trainable and id(parent) not in opened]
        if why := control.trainability.reason or (f"{shut[0]}, which it is part of, is frozen" if shut else ""):
            if control.read() != value:
                group.left[place.name] = why
        else:
            group.changes.append((control, value))
    if not group.size and not group.changes:
        raise Refused("none of these layers has weights that could train")
    return group


def _chosen(found: list[Place], which: str | None) -> list[Place]:
    """The places that a command means, those of models before those of their layers."""
    if which is None:
        return found
    names = [place.name for place in found if not isinstance(place.layer, keras.layers.InputLayer)]
    if which.startswith(UNTIL):
        name = which.removeprefix(UNTIL)
        if name not in names:
            raise Refused(f"there is no layer {name!r}; {_known(name, names)}")
        last = next(place for place in found if place.name == name)
        end = max(i for i, place in enumerate(found) if place is last or last.layer in place.parents) + 1
        # A model that goes on after the last layer is not meant, although it begins before it.
        return [place for place in found[:end] if place is last or place.layer not in last.parents]
    text = which.removeprefix(NAMED).lower()
    named = {id(place.layer) for place in found if text in place.name.lower()}
    chosen = [p for p in found if id(p.layer) in named or any(id(parent) in named for parent in p.parents[1:])]
    if not chosen:
        raise Refused(f"no layer's name contains {which.removeprefix(NAMED)!r}; {_known(text, names)}")
    return chosen


def _known(name: str, names: list[str]) -> str:
    shown = difflib.get_close_matches(name, names, NAMES_SHOWN) or names[:NAMES_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"there are {', '.join(shown)}{more}" if names else "there are no layers"
