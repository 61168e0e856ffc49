"""Stage prepare: raw data sets, how each is recognised and read."""
