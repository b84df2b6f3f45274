// What every shader shares: lights, noise, small functions. The constants in capitals are written before this text by
// rendering/gl/shaders.py from face_emote/look: the numbers have one home.

const float PI = 3.141592653589793;

uniform vec3 light_direction[3];  // unit vectors towards key, fill and rim
uniform vec3 light_colour[3];
uniform vec3 camera_position;
uniform float exposure;

uniform sampler2D shadow_map;  // mean and mean square of the distance along the key light, metres
uniform mat3 shadow_frame;     // rows: right, up, towards the light
uniform vec3 shadow_centre;
uniform float shadow_radius;

float fitted_step(float low, float high, float x) {  // smoothstep that may also fall (high < low)
    float t = clamp((x - low) / (high - low), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

float hashed(ivec3 cell) {
    uint x = uint(cell.x) * 374761393u + uint(cell.y) * 668265263u + uint(cell.z) * 1274126177u;
    x = (x ^ (x >> 13)) * 1103515245u;
    return float((x ^ (x >> 16)) & 0xFFFFFFu) / 16777215.0;
}

float value_noise(vec3 p) {  // smooth noise in 0..1 with cells of size 1
    ivec3 cell = ivec3(floor(p));
    vec3 f = p - vec3(cell);
    f = f * f * (3.0 - 2.0 * f);
    float total = 0.0;
    for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 2; ++b)
            for (int c = 0; c < 2; ++c) {
                float weight = (a == 1 ? f.x : 1.0 - f.x) * (b == 1 ? f.y : 1.0 - f.y) * (c == 1 ? f.z : 1.0 - f.z);
                total += weight * hashed(cell + ivec3(a, b, c));
            }
    return total;
}

float wrapped(float cosine, float wrap) {
    return max(0.0, (cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap)));
}

vec3 wrapped(float cosine, vec3 wrap) {
    return max(vec3(0.0), (cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap)));
}

float specular(vec3 n, vec3 l, vec3 v, float roughness, float f0) {  // GGX times the cosine (Walter et al. 2007)
    float n_l = dot(n, l);
    if (n_l <= 0.0) return 0.0;
    vec3 h = normalize(l + v);
    float n_h = max(dot(n, h), 0.0), v_h = max(dot(v, h), 0.0), n_v = max(dot(n, v), 1e-3);
    float alpha = roughness * roughness, a2 = alpha * alpha;
    float d = n_h * n_h * (a2 - 1.0) + 1.0;
    float k = 0.5 * alpha;
    float fresnel = f0 + (1.0 - f0) * pow(1.0 - v_h, 5.0);
    float geometry = 0.25 / ((n_v * (1.0 - k) + k) * (n_l * (1.0 - k) + k));
    return a2 / (PI * d * d) * geometry * fresnel * n_l;
}

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

vec3 highlights(vec3 n, vec3 v, float roughness, float f0, float strength, float seen, float openness, float rim_seen) {
    float key = specular(n, light_direction[0], v, roughness, f0) * KEY_LOBE
              + specular(n, light_direction[0], v, min(1.0, roughness * WIDE_ROUGHNESS), f0) * WIDE_LOBE;
    float fill = specular(n, light_direction[1], v, roughness, f0) * FILL_LOBE * openness;
    float rim = specular(n, light_direction[2], v, roughness, f0) * RIM_LOBE * rim_seen;
    return PI * strength * (light_colour[0] * key * seen + light_colour[1] * fill + light_colour[2] * rim);
}

vec3 highlights(vec3 n, vec3 v, float roughness, float f0, float strength, float seen, float openness) {
    return highlights(n, v, roughness, f0, strength, seen, openness, openness);
}

vec3 plain_diffuse(vec3 albedo, vec3 n, float wrap, float seen, vec3 sky, float openness) {
    vec3 received = wrapped(dot(n, light_direction[0]), wrap) * seen * light_colour[0];
    received += wrapped(dot(n, light_direction[1]), wrap + FILL_EXTRA_WRAP)
              * (1.0 - FILL_OPEN + FILL_OPEN * openness) * light_colour[1];
    received += wrapped(dot(n, light_direction[2]), wrap) * (1.0 - RIM_OPEN + RIM_OPEN * openness) * light_colour[2];
    return albedo * (received + sky);
}

vec3 tone_mapped(vec3 light) {  // rendering/tone.py
    vec3 c = light * exposure;
    c = max(mix(c, vec3(dot(c, LUMA)), INSET), vec3(0.0));
    vec3 y = min(GAIN * c * (c + CURVE.x) / (c * (c + CURVE.y) + CURVE.z), vec3(1.0));
    float grey = dot(y, LUMA);
    return clamp(grey + (y - grey) / (1.0 - OUTSET), 0.0, 1.0);
}
