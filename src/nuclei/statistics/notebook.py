"""The augmentations of the 2022 notebook: its claims are about them."""

SINGLES = ("crop", "rotation", "flip", "invert")
AUGMENTATIONS = ("none", *SINGLES, "invert+rotation", "invert+flip")
