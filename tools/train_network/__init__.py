"""The bundled network: its corpora, voices taught by a network, and two runs joined to what ships."""
