"""Stage simulate: H&E fields of view with boxed nuclei, in the layout of the NuCLS release.

Sizes and frequencies follow real breast tissue (NuCLS, Amgad et al., GigaScience 2022); no pixel
comes from it. Lengths are in px of 0.2 µm, stains natural optical densities, arrays float64.
"""
