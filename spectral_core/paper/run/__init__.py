"""Running a study: steps that fill a store, kept by the hash of their settings."""
