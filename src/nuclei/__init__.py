"""Which augmentation helps a network tell nuclei apart: the study's library, arrays in and out.

A package per stage: `layouts` (prepare), `augmentation`, `training`, `statistics` and `report`
(evaluate). The modules beside them are what several need.
"""
