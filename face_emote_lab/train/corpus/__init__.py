"""Training corpora: sound as log-mels, lips as aims, phones; one folder of memory-mapped arrays per source."""
