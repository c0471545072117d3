"""Why can't my data scientist see or launch the template? A stack as AWS has it, beside what its file wants."""
