"""What the paper leaves open, answered by the published results: frames and estimates, no prose."""
