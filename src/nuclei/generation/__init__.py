"""Synthetic nuclei: the generator, its pools, and measures of their quality."""
