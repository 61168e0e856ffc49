"""Which augmentation helps a network tell nuclei apart: the study's library, arrays in and out."""
