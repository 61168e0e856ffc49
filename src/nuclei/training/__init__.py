"""Stage train: networks, how they learn, and how they are kept."""
