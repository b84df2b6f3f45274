"""What other faces are made of: targets of other programs and models, and how ours become theirs."""
