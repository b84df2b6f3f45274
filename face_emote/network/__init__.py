"""The motion network at run time: speech and emotion in, aims of the mouth and the feeling face out; numpy only."""
