"""The emulated AWS of the sandbox: moto's server, plus the operations that moto lacks."""
