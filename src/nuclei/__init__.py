"""Which augmentation helps a network tell nuclei apart: the study's library, arrays in and out.

A package per stage: `simulation`, `layouts` (prepare), `augmentation`, `training`, `statistics` and
`report` (evaluate). `params` holds the stages' knobs; the modules beside them are for several.
"""
