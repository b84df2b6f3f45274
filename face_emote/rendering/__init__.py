"""FaceMotion to pictures and video."""
