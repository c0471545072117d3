"""The sections of a stack file, one model each: what a component is made from, declared once."""
