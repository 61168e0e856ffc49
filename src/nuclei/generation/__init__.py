"""Synthetic nuclei: their generator, pools of them, and measures of their quality."""
