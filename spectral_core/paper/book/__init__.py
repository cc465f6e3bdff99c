"""From notebooks and text to the book."""
