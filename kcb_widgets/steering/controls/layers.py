"""Find every control a model's layers have: rates of dropout, strengths of regularizers, and which layers train.

Keras bakes what it reads from a layer into the compiled training step, so a change needs a new trace. Nothing is
installed: a layer holds its new value as it held the old one, and a file saved at any time is an ordinary one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..optimizer_rebuild import OnRebuild, SlotCache, TrainabilityManager
from .control import Control
from .dropout import dropout_rates
from .layer_control import places
from .regularizers import RegularizerStrength, regularizers, strengths
from .trainable import Trainable, has_weights


def find(model: Any, on_rebuild: OnRebuild | None = None, slot_cache: SlotCache | None = None) -> list[Control]:
    """The controls of a model's layers, those of nested models too.

    Args:
        model: The model that trains. Layers that are yet to be built have no flag: TensorFlow builds a subclassed model
            on its first batch.
        on_rebuild: Called with the optimizer before and after it was given another list of weights. It is rebuilt in
            place, so the two are the same object; only its ``variables`` are others, and as many as there need be.
        slot_cache: Where the optimizer's state of frozen layers is put; None: where nobody else sees it.
    """
    found_places = list(places(model))
    trainability = TrainabilityManager(model, on_rebuild, slot_cache)
    users = Counter(id(regularizer) for place in found_places for _, regularizer in regularizers(place.layer))
    found: list[Control] = []
    for place in found_places:
        if place.is_unit and has_weights(place.layer):
            found.append(Trainable(model, place, trainability))
        found += dropout_rates(model, place)
        for attribute, regularizer in regularizers(place.layer):
            others = users[id(regularizer)] - 1
            found += [
                RegularizerStrength(model, place, attribute, regularizer, name, others)
                for name in strengths(regularizer)
            ]
    return found
