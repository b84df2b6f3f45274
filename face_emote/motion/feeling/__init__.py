"""What is felt, on the face: expression, its dynamics, wrinkles and blood flow."""
