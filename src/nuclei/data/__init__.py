"""Stage prepare: images and raw layouts in, uniform crops and folds out."""
