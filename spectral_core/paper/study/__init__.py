"""What is run: figures and their panels, as steps that fill a store."""
