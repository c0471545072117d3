"""What AWS says, as pure functions and data: no engine, and no call to AWS."""
