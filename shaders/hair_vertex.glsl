// One knot of a strand: posed, and lit by the formula of face_emote/look/formula/hair.py.

uniform mat4 clip_from_world;
uniform float root_depth;   // strands show this deep in the skin, metres: their roots sit there

in vec3 position;
in vec3 outward;            // away from the head
in vec3 tangent;            // to the tip
in vec3 colour;
in vec4 strand;             // width in metres, openness, gloss, jitter
in vec4 root_sky;           // sky light on the root's skin, its openness; negative openness: the hair's own sky

out Knot {
    vec3 display;
    float width;            // metres over metres of distance: times the focal length, pixels
} knot;

float[4] before(vec3 p) {  // metres of hair and head on the key light's way at four places around a point
    float size = float(textureSize(shadow_map, 0).x);
    vec3 at = shadow_frame * (p - shadow_centre);
    ivec2 place = ivec2(vec2(at.x, -at.y) * (0.5 * size / shadow_radius) + 0.5 * size);
    if (any(lessThan(place, ivec2(3))) || any(greaterThanEqual(place, ivec2(size) - 3)))
        return float[4](-1.0, -1.0, -1.0, -1.0);
    const ivec2 around[4] = ivec2[](ivec2(0, 3), ivec2(0, -3), ivec2(3, 0), ivec2(-3, 0));
    float found[4];
    for (int k = 0; k < 4; ++k) found[k] = -at.z - HAIR_SELF_BIAS - texelFetch(shadow_map, place + around[k], 0).r;
    return found;
}

void main() {
    float covered[4] = before(position);
    knot.display = shade_hair(position - camera_position, tangent, outward, colour, strand.y, strand.z, strand.w,
                              root_sky.xyz, root_sky.w, vec3(covered[0], covered[1], covered[2]), covered[3]);
    gl_Position = clip_from_world * vec4(position, 1.0);
    knot.width = strand.x / gl_Position.w;
    // Only the depth comes forward.
    vec4 nearer = clip_from_world * vec4(position + root_depth * normalize(camera_position - position), 1.0);
    gl_Position.z = nearer.z / nearer.w * gl_Position.w;
}
