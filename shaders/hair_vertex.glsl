// One knot of a strand: posed, and lit by the formula of face_emote/look/hair_reflection.py.

uniform mat4 clip_from_world;
uniform vec3 overhead;      // colour of the sky light
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

float key_light_left(vec3 p) {  // light dies away in hair, not at once
    float size = float(textureSize(shadow_map, 0).x);
    vec3 at = shadow_frame * (p - shadow_centre);
    ivec2 place = ivec2(vec2(at.x, -at.y) * (0.5 * size / shadow_radius) + 0.5 * size);
    if (any(lessThan(place, ivec2(3))) || any(greaterThanEqual(place, ivec2(size) - 3))) return 1.0;
    float left = 0.0;
    const ivec2 around[4] = ivec2[](ivec2(0, 3), ivec2(0, -3), ivec2(3, 0), ivec2(-3, 0));
    for (int k = 0; k < 4; ++k) {
        float covered = -at.z - HAIR_SELF_BIAS - texelFetch(shadow_map, place + around[k], 0).r;
        left += 0.25 * exp(-max(0.0, covered) / HAIR_DEPTH);
    }
    return left;
}

float lobe(float h, float shift, float width) {
    float x = (h - shift) / width;
    return x * x < 9.2 ? exp(-0.5 * x * x) : 0.0;
}

void main() {
    float openness = strand.y, gloss = strand.z, jitter = strand.w;
    vec3 v = normalize(camera_position - position), t = tangent, n = outward;
    float ahead = dot(t, v), around_view = sqrt(max(0.0, 1.0 - ahead * ahead));
    bool own_sky = root_sky.w < 0.0;
    vec3 light = own_sky ? colour * openness * max(0.0, HAIR_SKY.x + HAIR_SKY.y * n.y) * overhead
                         : colour * openness * root_sky.xyz * HAIR_SKIN_SKY;
    float closed = own_sky ? openness : openness * root_sky.w;
    for (int i = 0; i < 3; ++i) {
        vec3 l = light_direction[i];
        float seen = i == 0 ? key_light_left(position) * (0.35 + 0.65 * openness) : closed;
        float along = dot(t, l), across = sqrt(max(0.0, 1.0 - along * along));
        float facing = max(0.0, (dot(n, l) + HAIR_WRAP) / (1.0 + HAIR_WRAP));
        float around = (dot(l, v) - along * ahead) / max(across * around_view, 1e-3);
        float near = clamp(0.5 + 0.5 * around, 0.0, 1.0), far = 1.0 - near;
        float h = 0.5 * (along + ahead) - jitter * HAIR_SHIFT_SPREAD;
        float surface = gloss * HAIR_SURFACE_GAIN * lobe(h, HAIR_SURFACE_SHIFT, HAIR_SURFACE_WIDTH) * sqrt(near) * facing;
        float inside = gloss * HAIR_INSIDE_GAIN * lobe(h, HAIR_INSIDE_SHIFT, HAIR_INSIDE_WIDTH) * near * near * facing;
        float through = gloss * HAIR_THROUGH_GAIN * lobe(h, HAIR_THROUGH_SHIFT, HAIR_THROUGH_WIDTH) * far * far * far;
        light += light_colour[i] * seen * (colour * (HAIR_BODY * across * facing + through) + sqrt(colour) * inside + surface);
    }
    knot.display = tone_mapped(light);
    gl_Position = clip_from_world * vec4(position, 1.0);
    knot.width = strand.x / gl_Position.w;
    // Only the depth comes forward.
    vec4 nearer = clip_from_world * vec4(position + root_depth * v, 1.0);
    gl_Position.z = nearer.z / nearer.w * gl_Position.w;
}
