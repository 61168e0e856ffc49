"""The arms that were planned before any result: those of the 2022 notebook."""

SINGLES = ("crop", "rotation", "flip", "invert")
PLANNED = ("none", *SINGLES, "invert+rotation", "invert+flip")
