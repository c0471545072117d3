"""The comment of a pull request that shows what `pulumi preview` says of each stack, dangers first.

`engine_output` reads what the engine prints into the model of `previews`; `dangers` and `findings` tell what matters in
it; `comment` renders it within a limit; `posting` puts it on GitHub or CodeCommit.
"""
