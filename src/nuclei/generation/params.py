"""The knobs of the generators, for recipes with synthetic nuclei."""

from nuclei.core.params import Count, Section, Seed, StageParams


class Generator(Section):
    """Knobs of the generators, one network per fold."""

    seed: Seed
    updates: Count
    pool: Count


class GeneratorParams(StageParams):
    """What the stage augment reads of params.yaml for a recipe with synthetic nuclei."""

    generator: Generator
