"""What the engine and the interpreter cost by themselves."""
