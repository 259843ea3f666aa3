"""Finds another valid value for any control that Monitor offers."""

from __future__ import annotations


def another(control: dict) -> object:
    """Another valid value of a control, as its description allows; one that makes a difference."""
    value, label = control["value"], control["label"]
    if control["kind"] == "flag":
        return not value
    if value is None:
        return 0.1
    if control["integer"]:
        return int(value) + (100 if "warmup" in label else 1)
    if label.endswith("weight_decay"):
        return 0.1
    if control["max"] == 1.0:
        return value / 2 if value else 0.5
    if value == 0:
        return 0.1
    if label.startswith("muon_"):  # Muon's polynomial diverges with much else
        return value * 0.97
    return 1e-2 if "epsilon" in label else value * 0.9
