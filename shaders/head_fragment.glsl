// What a pixel of the head sees: display light, linear, so that samples of a pixel average as the fast renderer's do.

uniform float pixels_per_metre;  // at 1 m

in vec3 at;
in vec3 smooth_normal;
in vec3 sky;
in vec3 sky_scattered;
in vec2 own_opened;  // openness, share of the rim light seen
in vec3 own_state;   // wrinkle activation, blood flow, thinness
in vec2 chart;
in vec3 own;
in float distance_along;  // of the view
flat in int kind;

out vec4 display;

vec3 skin_here(vec3 n, vec3 v, float openness, float seen) {
    // Tangents along the texture: exact on a flat triangle, whatever the perspective.
    vec3 px = dFdx(at), py = dFdy(at);
    vec2 cx = dFdx(chart), cy = dFdy(chart);
    float area = cx.x * cy.y - cy.x * cx.y;
    Texel texel = skin_texel(chart, mip_level(abs(area)));
    vec2 slope = texel.slope + own_state.x * texel.wrinkle_slope;
    vec3 bent = n;
    if (abs(area) > 1e-14)
        bent = bent_normal(n, (px * cy.y - py * cx.y) / area, (py * cx.x - px * cy.x) / area, slope);
    seen *= min(1.0, CONTACT_SHADE * openness * openness);
    return shade_skin(texel, n, bent, v, sky, sky_scattered, openness, own_opened.y, seen, own_state);
}

vec3 eye_here(vec3 n, vec3 v, float openness, float seen) {
    ivec2 place = ivec2(2.0 * gl_FragCoord.xy);
    float metre = 2.0 * pixels_per_metre / distance_along;
    float clear = to_lid(place, -1, LID_SHADOW * metre) / metre;
    float standing = to_lid(place, 1, SOCKET_REACH * metre) / metre;
    return shade_eye(at, own, n, v, sky, openness, seen, clear, standing);
}

void main() {
    vec3 n = normalize(smooth_normal), v = normalize(camera_position - at);
    float seen = key_light_seen(at, n), openness = own_opened.x;
    vec3 light;
    if (kind == KIND_SKIN) light = skin_here(n, v, openness, seen);
    else if (kind == KIND_EYE) light = eye_here(n, v, openness, seen);
    else if (kind == KIND_TOOTH) light = shade_tooth(own, n, v, sky, openness, seen);
    else if (kind == KIND_GUM) light = shade_gum(own, n, v, sky, openness, seen);
    else if (kind == KIND_TONGUE) light = shade_tongue(own, n, v, sky, openness, seen);
    else light = shade_cloth(own, n, sky, openness, seen);
    display = vec4(tone_mapped(light), 1.0);
}
