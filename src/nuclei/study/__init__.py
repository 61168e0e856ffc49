"""Runs the study's configurations side by side, on this machine or on a cluster."""
