"""This folder as DVC's repository: all that uses DVC's own Python code, tried with DVC 3.67."""
