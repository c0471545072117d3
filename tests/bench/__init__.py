"""Measurements of the program on the real engine; they print figures and judge only ratios of one run."""
