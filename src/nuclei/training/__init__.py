"""Stage train: networks, how they are trained, and how they are stored."""
