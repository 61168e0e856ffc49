"""The schema of params.yaml: a module per stage, so that a knob of one outdates no other."""
