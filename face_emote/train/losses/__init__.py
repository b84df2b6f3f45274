"""What training asks of the network: pure functions on torch tensors."""
