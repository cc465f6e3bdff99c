"""The pages of the book: pictures, tables and what a notebook calls."""
