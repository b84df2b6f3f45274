"""What of a head is written as a mesh, and how finely: shared by all formats that hold meshes."""
