"""The paper's claims and their verdicts, at the text's settings and at the released ones."""
