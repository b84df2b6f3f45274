// A knitted collar: ribs in the first 9 mm under its edge, plain weave below (rendering/fast/materials.py).

uniform vec3 cloth_colour;

vec3 shade_cloth(vec3 own, vec3 n, vec3 sky, float openness, float seen) {
    float under = own.x;
    float weave = value_noise(vec3(own.y * 1400.0, under * 1.4, own.z * 1400.0));
    float rib = sin(atan(own.y, own.z + 0.032) * 260.0) * 0.5 + 0.5;
    float band = 1.0 - fitted_step(8.2, 9.2, under);
    float seam = fitted_step(8.0, 8.6, under) * (1.0 - fitted_step(9.2, 9.8, under));
    vec3 albedo = cloth_colour * (0.82 + 0.36 * weave) * (1.0 - 0.38 * band * rib) * (1.0 - 0.5 * seam);
    return plain_diffuse(albedo, n, 0.10, seen, sky, openness);
}
