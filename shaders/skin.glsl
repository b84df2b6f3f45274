// Pigmented, scattering skin: the formula of docs/shading.md, as rendering/fast/materials.py has it.

uniform sampler2D skin_maps[3];  // channels as rendering/fast/buffers.py lists them, four a texture
uniform int num_levels;
uniform vec3 hair_colour;

struct Texel {
    float melanin, haemoglobin, gloss;
    vec2 slope;
    float wrinkle;
    vec2 wrinkle_slope;
    float hair, roughness;
};

Texel skin_texel(vec2 place, float level) {
    vec2 at = vec2(place.x, 1.0 - place.y);
    vec4 a = textureLod(skin_maps[0], at, level);
    vec4 b = textureLod(skin_maps[1], at, level);
    vec2 c = textureLod(skin_maps[2], at, level).xy;
    return Texel(a.x, a.y, a.z, vec2(a.w, b.x), b.y, b.zw, c.x, c.y);
}

float mip_level(float chart_area) {  // at which one texel is about one pixel
    float side = float(textureSize(skin_maps[0], 0).x);
    float ratio = chart_area * side * side, level = 0.0;
    while (ratio > 2.0 && level < float(num_levels - 1)) { ratio *= 0.25; level += 1.0; }
    return level;
}

vec3 bent_normal(vec3 n, vec3 along_u, vec3 along_v, vec2 slope) {  // Mikkelsen 2010
    vec3 r1 = cross(along_v, n), r2 = cross(n, along_u);
    float det = dot(along_u, r1);
    return normalize(abs(det) * n - (det > 0.0 ? 1.0 : -1.0) * (slope.x * r1 + slope.y * r2));
}

vec3 shade_skin(Texel texel, vec3 n, vec3 bent, vec3 v, vec3 sky, vec3 scattered, float openness,
                float rim_seen, float seen, vec3 state) {
    float wrinkle = state.x, blood = state.y, thin = state.z;
    float melanin = max(texel.melanin, 0.0);
    float haemoglobin = max(texel.haemoglobin, 0.0) * exp(BLOOD_GAIN * blood);
    float fold = clamp(-texel.wrinkle * wrinkle, 0.0, 1.0);
    float hair = clamp(max(0.0, texel.hair) * HAIR_PAINT, 0.0, 1.0) * HAIR_COVER;
    float strength = max(0.0, texel.gloss) * (1.0 - hair);

    vec3 albedo = EPIDERMIS + BASE_ALBEDO * exp(-melanin * MELANIN_EXTINCTION - haemoglobin * HAEMOGLOBIN_EXTINCTION);
    albedo = mix(albedo, vec3(dot(albedo, LUMINANCE)), PALLOR_GREYING * clamp(-blood, 0.0, 1.0));
    albedo *= 1.0 - fold * (1.0 - CREASE_TINT);
    albedo = mix(albedo, hair_colour * HAIR_SHADOW, hair);

    vec3 key = light_direction[0], rim_to = light_direction[2];
    float key_soft = dot(n, key), rim_soft = dot(n, rim_to);
    float fill = dot(mix(n, bent, FILL_BEND), light_direction[1]);
    float bend = clamp(dot(bent, n), 0.0, 1.0);
    // The rim of a shadow on skin is red.
    vec3 edge = vec3(seen * (1.48 - 0.48 * seen), seen, seen * (0.92 + 0.08 * seen));
    vec3 received = mix(wrapped(dot(bent, key), 0.5 * WRAP), wrapped(key_soft, WRAP), SOFTNESS) * edge * light_colour[0];
    received += wrapped(fill, WRAP + FILL_EXTRA_WRAP) * light_colour[1] * (1.0 - FILL_OPEN + FILL_OPEN * openness);
    received += wrapped(dot(bent, rim_to), WRAP) * light_colour[2] * rim_seen;
    received += scattered * bend;
    received += thin * THIN * (wrapped(-key_soft, WRAP) * light_colour[0] * seen + wrapped(-rim_soft, WRAP) * light_colour[2]);
    float grazing = pow(1.0 - max(0.0, dot(bent, v)), 4.0);
    vec3 light = albedo * received + sky * grazing * GRAZING * strength * openness;

    float pigment = min(1.0, melanin / PIGMENT_FULL);
    float roughness = min(1.0, texel.roughness + ROUGHENING * (1.0 - bend) * (1.0 + pigment));
    vec3 shining = normalize(mix(bent, n, DARK_SMOOTHING * pigment * min(1.0, 1.5 * wrinkle)));
    return light + highlights(shining, v, roughness, SKIN_F0, strength, seen, openness, rim_seen);
}
