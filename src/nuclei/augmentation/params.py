"""The knobs of the stage augment, and what it records of its draws."""

from typing import Any

from nuclei.core.params import Count, Section, Seed, StageParams


class Augment(Section):
    """Knobs of the augmented data sets."""

    seed: Seed
    copies: Count


class AugmentParams(StageParams):
    """What the stage reads of params.yaml."""

    augment: Augment


class Draws(Section):
    """The content of draws.json, from which any copy of an augmentation can be drawn again."""

    seed: Seed  # augment.seed
    # What operations learned from the training nuclei of each fold: fold, operation, name.
    learned: dict[str, dict[str, dict[str, Any]]]
    generator: dict[str, int]  # that section of params.yaml, if there are synthetic nuclei
