"""Whether what a company edits is right: its stack files, its products and their seed code.

`checks` are what is looked at, one function each; `command` runs them all and tells; `recording` runs the program
without an engine and without AWS, which the tests of the program do, too.
"""
