"""The three classes of nuclei, in the order of every probability column."""

CLASSES = ("stromal", "TIL", "tumor")
