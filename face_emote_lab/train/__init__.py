"""Everything that makes a checkpoint: corpora, losses, experts, the training loop. Needs torch (extra `train`)."""
