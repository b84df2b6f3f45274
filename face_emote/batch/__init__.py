"""Many lines overnight: a manifest becomes videos, heads and motions, on one machine or on many."""
