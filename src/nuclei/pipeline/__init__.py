"""How a stage starts and ends: guards, errors, atomic outputs, the whole of params.yaml."""
