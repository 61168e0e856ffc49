"""Stage simulate: H&E fields of view with boxed nuclei, in the layout of the NuCLS release.

Sizes of nuclei and frequencies of classes follow real breast tissue (NuCLS, Amgad et al.,
GigaScience 2022); no pixel comes from tissue. Lengths are in px of 0.2 µm, stains are natural
optical densities. Arrays are float64 unless they say otherwise.
"""
