// What a pixel of the head sees: display light, linear, so that samples of a pixel average as the fast renderer's do.

uniform float pixels_per_metre;  // at 1 m
uniform sampler2D kinds;          // material of every sample of the 2 x 2 grid of a pixel, -1 where nothing is
uniform vec3 eyes[12];            // left, right: right, up and optical axis, centre, inner and outer corner of the lids
uniform float eye_redness;        // weeping, 0..1

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

float key_light_seen(vec3 p, vec3 n) {  // share of the key light, 0..1: a variance shadow map, read bilinearly by hand
    float size = float(textureSize(shadow_map, 0).x);
    vec3 at = shadow_frame * (p + n * SHADOW_BIAS - shadow_centre);
    vec2 place = vec2(at.x, -at.y) * (0.5 * size / shadow_radius) + 0.5 * size - 0.5;
    ivec2 cell = ivec2(place);
    if (any(lessThan(place, vec2(0.0))) || any(greaterThan(cell, ivec2(size) - 2))) return 1.0;
    vec2 share = place - vec2(cell);
    vec2 upper = mix(texelFetch(shadow_map, cell, 0).xy, texelFetch(shadow_map, cell + ivec2(1, 0), 0).xy, share.x);
    vec2 lower = mix(texelFetch(shadow_map, cell + ivec2(0, 1), 0).xy, texelFetch(shadow_map, cell + 1, 0).xy, share.x);
    vec2 moments = mix(upper, lower, share.y);
    float behind = -at.z - moments.x;
    if (behind <= 0.0) return 1.0;
    float variance = max(moments.y - moments.x * moments.x, LEAST_VARIANCE);
    return max(0.0, (variance / (variance + behind * behind) - BLEEDING) / (1.0 - BLEEDING));
}

float to_lid(ivec2 place, int along, float reach) {  // samples up (-1) or down (1) to what covers the ball
    ivec2 size = textureSize(kinds, 0);
    for (int k = 1; k < int(reach) + 1; ++k) {
        int row = place.y + along * k;
        if (row < 0 || row >= size.y) return reach;
        if (int(round(texelFetch(kinds, ivec2(place.x, row), 0).r)) != KIND_EYE) return min(reach, float(k) - 0.5);
    }
    return reach;
}

// What a formula reads of any place, in the order of look/formula/records.py's Spot.
#define SPOT from, n, sky, sky_scattered, own_opened.x, own_opened.y, own_state.x, own_state.y, own_state.z, seen

vec3 skin_here(vec3 from, vec3 n, float seen) {
    // Tangents along the texture: exact on a flat triangle, whatever the perspective.
    vec3 px = dFdx(at), py = dFdy(at);
    vec2 cx = dFdx(chart), cy = dFdy(chart);
    float area = cx.x * cy.y - cy.x * cx.y, inverse = abs(area) > 1e-14 ? 1.0 / area : 0.0;
    Texel t = skin_texel(chart, mip_level(abs(area)));
    return shade_skin(SPOT, t.first.x, t.first.y, t.first.z, t.first.w, t.second.x, t.second.y, t.second.z, t.second.w,
                      t.third.x, t.third.y, (px * cy.y - py * cx.y) * inverse, (py * cx.x - px * cy.x) * inverse);
}

vec3 eye_here(vec3 from, vec3 n, float seen) {
    const int CENTRE = 3;
    int ball = distance(at, eyes[CENTRE]) < distance(at, eyes[6 + CENTRE]) ? 0 : 6;
    ivec2 place = ivec2(2.0 * gl_FragCoord.xy);
    float metre = 2.0 * pixels_per_metre / distance_along;
    float clear = to_lid(place, -1, LID_SHADOW * metre) / metre;
    float standing = to_lid(place, 1, SOCKET_REACH * metre) / metre;
    return shade_eye(SPOT, own, eyes[ball], eyes[ball + 1], eyes[ball + 2], eyes[ball + 4] - camera_position,
                     eyes[ball + 5] - camera_position, eye_redness, clear, standing);
}

void main() {
    vec3 n = normalize(smooth_normal), from = at - camera_position;
    float seen = key_light_seen(at, n);
    vec3 light;
    if (kind == KIND_SKIN) light = skin_here(from, n, seen);
    else if (kind == KIND_EYE) light = eye_here(from, n, seen);
    else if (kind == KIND_TOOTH) light = shade_tooth(SPOT, own);
    else if (kind == KIND_GUM) light = shade_gum(SPOT, own);
    else if (kind == KIND_TONGUE) light = shade_tongue(SPOT, own);
    else light = shade_cloth(SPOT, own);
    display = vec4(light, 1.0);
}
