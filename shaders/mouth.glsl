// Teeth, gums and tongue, lit by what comes through the lips (rendering/fast/mouth.py).

vec3 received_inside(vec3 albedo, vec3 n, float wrap, float key_seen, vec3 sky, float opened) {
    float key = wrapped(dot(n, light_direction[0]), wrap) * key_seen;
    float fill = wrapped(dot(n, light_direction[1]), wrap) * opened;
    return albedo * (key * light_colour[0] + fill * light_colour[1] + sky);
}

vec3 shade_tooth(vec3 crown, vec3 n, vec3 v, vec3 sky, float opened, float seen) {
    float height = crown.x, across = crown.y, warmth = crown.z;
    float mottle = value_noise(vec3(across * 2.3, height * 3.1, warmth * 40.0));
    float neck = fitted_step(NECK.x, NECK.y, height);
    float edge = EDGE_SHARE * fitted_step(EDGE.x, EDGE.y, height + 0.10 * (mottle - 0.5));
    float between = fitted_step(BETWEEN.x, BETWEEN.y, abs(across));
    vec3 albedo = mix(ENAMEL, ENAMEL_NECK, neck);
    albedo *= (1.0 + warmth * (ENAMEL_WARM - 1.0)) * (1.0 + age * (ENAMEL_OLD - 1.0));
    albedo = mix(albedo, ENAMEL_EDGE, edge) * (1.0 + ENAMEL_MOTTLE * (mottle - 0.5));
    albedo *= 1.0 + between * (BETWEEN_FLOOR - 1.0);
    float lit = mix(ENAMEL_SHADOWED, 1.0, seen) * opened;
    vec3 light = received_inside(albedo, n, ENAMEL_WRAP, lit, sky, opened);
    vec3 bent = n;
    bent.x += ENAMEL_RIPPLE * (value_noise(vec3(across * 3.0, height * 7.0, warmth * 60.0)) - 0.5);
    bent.y += ENAMEL_RIPPLE * (value_noise(vec3(across * 3.0, height * 7.0, warmth * 80.0)) - 0.5);
    return light + highlights(normalize(bent), v, ENAMEL_ROUGHNESS, ENAMEL_F0, 1.0, seen * opened, opened);
}

vec3 bumpy(vec3 n, vec3 at, float height, float amount) {
    vec3 gradient = vec3(value_noise(at + vec3(0.25, 0.0, 0.0)), value_noise(at + vec3(0.0, 0.25, 0.0)),
                         value_noise(at + vec3(0.0, 0.0, 0.25))) - height;
    return normalize(n - 4.0 * amount * gradient);
}

vec3 shade_flesh(vec3 albedo, vec3 n, vec3 bent, vec3 v, vec3 sky, float opened, float seen, float roughness, float f0) {
    vec3 light = received_inside(albedo, 0.5 * (n + bent), FLESH_WRAP, seen * opened, sky, opened);
    return light + highlights(bent, v, roughness, f0, WET_STRENGTH, seen * opened, opened);
}

vec3 shade_gum(vec3 rest, vec3 n, vec3 v, vec3 sky, float opened, float seen) {
    float blotch = value_noise(rest * GUM_SCALE.x), grain = value_noise(rest * GUM_SCALE.y);
    vec3 bent = bumpy(n, rest * GUM_SCALE.y, grain, GUM_STIPPLE);
    return shade_flesh(GUM * (1.0 + GUM_MOTTLE * (blotch - 0.5)), n, bent, v, sky, opened, seen, GUM_ROUGHNESS, GUM_F0);
}

vec3 shade_tongue(vec3 rest, vec3 n, vec3 v, vec3 sky, float opened, float seen) {
    float bud = value_noise(rest * TONGUE_SCALE);
    float coat = fitted_step(TONGUE_COAT_REACH.x, TONGUE_COAT_REACH.y, rest.z);
    float groove = TONGUE_GROOVE_SHADE * exp(-pow(rest.x / TONGUE_GROOVE, 2.0));
    vec3 albedo = mix(TONGUE, TONGUE_COAT, coat) * (1.0 - TONGUE_PIT * (1.0 - bud)) * (1.0 - groove);
    vec3 bent = bumpy(n, rest * TONGUE_SCALE, bud, TONGUE_RELIEF);
    return shade_flesh(albedo, n, bent, v, sky, opened, seen, TONGUE_ROUGHNESS, TONGUE_F0);
}
