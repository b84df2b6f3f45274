"""What every engine draws: mesh, teeth, garment, hair, textures and light of one person in one scene."""
