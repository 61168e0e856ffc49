"""The knobs of the networks that make nuclei, for arms with `generated`."""

from nuclei.core.params import Count, Section, Seed, StageParams


class Generator(Section):
    """Knobs of the generators, one network per fold."""

    seed: Seed
    updates: Count
    pool: Count


class GeneratorParams(StageParams):
    """What the stage augment reads of params.yaml for a recipe with synthetic nuclei."""

    generator: Generator
