"""What AWS gets: one component resource per concern, one file each, and the pure functions that they share."""
