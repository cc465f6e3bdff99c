"""Training and evaluating networks on tensors in memory."""
