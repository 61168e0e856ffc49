"""Stage evaluate, first half: from predictions to scores, intervals and verdicts."""
