"""What every component shares: the environment, physical names and networks."""
