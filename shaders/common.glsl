// What fragments of the head and strands of hair share. Formulas are printed to shaders/glsl from face_emote/look; the
// constants in capitals are written before this text by rendering/gl/shaders.py.

uniform vec3 camera_position;
uniform sampler2D shadow_map;  // mean and mean square of the distance along the key light, metres
uniform mat3 shadow_frame;     // rows: right, up, towards the light
uniform vec3 shadow_centre;
uniform float shadow_radius;

float cell_hash(float i, float j, float k) {
    uint x = uint(int(i)) * 374761393u + uint(int(j)) * 668265263u + uint(int(k)) * 1274126177u;
    x = (x ^ (x >> 13)) * 1103515245u;
    return float((x ^ (x >> 16)) & 0xFFFFFFu) / 16777215.0;
}
