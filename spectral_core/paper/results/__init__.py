"""What came out: tables from a store, the published ones, estimates from them, the authors'."""
