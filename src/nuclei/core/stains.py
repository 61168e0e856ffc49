"""Absorption of the stains of a histological section."""

import numpy as np

# Rows haematoxylin, eosin, residual (DAB); columns the optical density in red, green, blue.
# Ruifrok & Johnston, Anal Quant Cytol Histol 23:291 (2001).
HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
HED /= np.linalg.norm(HED, axis=1, keepdims=True)
