"""The only code that uses DVC's own Python API, tried with DVC 3.67."""
