"""Small nets that judge lips and faces: trained first, frozen, then asked by losses and benchmarks."""
