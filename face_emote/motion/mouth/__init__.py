"""From phones or the network to a mouth that closes, rounds and opens."""
