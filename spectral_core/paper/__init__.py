"""The reproduction of the paper: what is run, what came out, what it says. The core needs none of it."""
