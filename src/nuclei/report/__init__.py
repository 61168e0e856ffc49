"""Stage evaluate, second half: from tables to figures and pages."""
