"""A stand-in for the AWS plugin: the program's resource types, carried out on an emulated AWS."""
