"""The knobs of the networks that make nuclei, for arms with `generated`."""

from nuclei.params.section import Count, Section, Seed


class Generator(Section):
    """Knobs of the generators, one network per fold."""

    seed: Seed
    updates: Count
    pool: Count
