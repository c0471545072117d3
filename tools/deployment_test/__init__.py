"""A deployment option brought up, examined by machine, and destroyed."""
