"""Losses on rendered pictures: a SyncNet that watches the mouth, and a net that reads the feeling off the face."""
