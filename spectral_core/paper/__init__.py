"""The reproduction of the paper: what is run, what came out, what it says; not for the core."""
