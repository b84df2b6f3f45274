"""The renderer with gradients, in torch: project, rasterise, interpolate, shade, antialias. Needs torch.

Conventions (the fast renderer's): rows run down, the centre of pixel (row, column) lies at (column + 0.5, row + 0.5);
depth is metres along the view and positive before the camera; triangles are counter-clockwise seen from outside and
only their outsides are drawn. Which triangle a pixel sees is found without gradient; everything else has one.
"""
