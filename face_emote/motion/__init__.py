"""The animator: speech and emotion to FaceMotion, and motion files."""
