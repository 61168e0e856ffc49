"""The knobs of the stage augment."""

from nuclei.core.params import Count, Section, Seed, StageParams


class Augment(Section):
    """Knobs of the augmented data sets."""

    seed: Seed
    copies: Count


class AugmentParams(StageParams):
    """What the stage reads of params.yaml."""

    augment: Augment
