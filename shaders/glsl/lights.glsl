// Written by `python -m tools.write_shaders` from face_emote/look; a change here is lost.

uniform vec3 lights_key_direction;
uniform vec3 lights_key_colour;
uniform vec3 lights_fill_direction;
uniform vec3 lights_fill_colour;
uniform vec3 lights_rim_direction;
uniform vec3 lights_rim_colour;
uniform float lights_exposure;
