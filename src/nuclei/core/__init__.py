"""What all stages share: errors, files, params, draws, folds, classes."""
