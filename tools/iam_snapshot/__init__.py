"""What an account's IAM holds, and what has changed between two looks at it.

`snapshot` takes, writes and reads; `difference` compares roles, users, groups and policies by what they allow; `report`
tells it to people and to machines; `command` is the command line.
"""
