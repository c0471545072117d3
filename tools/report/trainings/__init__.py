"""What orders the trainings of projects, with its last run: one module for each service that a product uses for it."""
