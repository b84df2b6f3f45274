// The wet eye: iris behind a refracting cornea, sclera with vessels, tear line, mirrored lights (rendering/fast/eye.py).

uniform sampler2D kinds;   // material of every sample of the 2 x 2 grid of a pixel, -1 where nothing is
uniform vec3 eyes[12];     // left, right: right, up and optical axis, centre, inner and outer corner of the lids
uniform vec3 iris_colour;
uniform float pupil;       // in iris radii
uniform float eye_redness; // weeping, 0..1
uniform float age;

const int RIGHT = 0, UP = 1, AXIS = 2, CENTRE = 3, INNER = 4, OUTER = 5;

float to_lid(ivec2 place, int along, float reach) {  // samples up (-1) or down (1) to what covers the ball
    ivec2 size = textureSize(kinds, 0);
    for (int k = 1; k < int(reach) + 1; ++k) {
        int row = place.y + along * k;
        if (row < 0 || row >= size.y) return reach;
        if (int(round(texelFetch(kinds, ivec2(place.x, row), 0).r)) != KIND_EYE) return min(reach, float(k) - 0.5);
    }
    return reach;
}

vec2 trace_cornea(vec3 q, vec3 w, out vec3 normal) {  // along the view ray w to the iris plane, in the eye's frame
    vec3 c = vec3(q.xy, q.z - CORNEA_CENTRE);
    float along = dot(c, w);
    float inside = along * along - (dot(c, c) - CORNEA_RADIUS * CORNEA_RADIUS);
    vec3 p = c + (-along + sqrt(max(inside, 0.0))) * w;
    normal = p / sqrt(dot(p, p) + 1e-12);
    float cosine = max(dot(normal, w), 0.0);
    float bend = REFRACTION * cosine - sqrt(1.0 - REFRACTION * REFRACTION * (1.0 - cosine * cosine));
    vec3 d = bend * normal - REFRACTION * w;
    float reach = (IRIS_PLANE - CORNEA_CENTRE - p.z) / min(d.z, -0.2);
    return p.xy + reach * d.xy;
}

vec3 iris_at(vec2 at, vec2 light) {
    float distance = sqrt(dot(at, at) + 1e-9);
    float r = distance / IRIS_RADIUS;
    vec2 c = at / distance;
    float fibres = 0.0;
    for (int i = 0; i < FIBRES.length(); ++i)
        fibres += FIBRES[i].w * value_noise(vec3(c * FIBRES[i].x, r * FIBRES[i].y + FIBRES[i].z));
    float caustic = max(0.35, 1.0 - CAUSTIC * r * dot(c, light));
    float collar = COLLARETTE.z * fitted_step(COLLARETTE.x, COLLARETTE.y, r + 0.12 * (fibres - 0.5));
    float width = mix(LIMBAL_WIDTH.x, LIMBAL_WIDTH.y, age), depth = mix(LIMBAL_DEPTH.x, LIMBAL_DEPTH.y, age);
    float brightness = caustic * (1.0 - depth * fitted_step(1.0 - width, 1.03, r));
    brightness *= fitted_step(pupil - PUPIL_EDGE, pupil + PUPIL_EDGE, r);
    brightness *= (FIBRE_RANGE.x + FIBRE_RANGE.y * fibres) * (1.0 - 0.25 * r);
    return iris_colour * brightness * (1.0 + collar * (COLLARETTE_TINT - 1.0));
}

vec3 sclera_at(vec3 q, float off_axis, vec3 p, int first) {
    float warp = value_noise(vec3(q.x * 7.0 + 5.0, q.yz * 7.0));
    float fine = value_noise(vec3(q.x * 11.0 + 2.0 * warp, q.y * 26.0 + 2.0 * warp, q.z * 11.0));
    float branch = value_noise(vec3(q.x * 23.0 - 2.0 * warp, q.y * 41.0, q.z * 23.0 + 2.0 * warp));
    float veins = pow(1.0 - abs(2.0 * fine - 1.0), VESSEL_SHARPNESS)
                + 0.6 * pow(1.0 - abs(2.0 * branch - 1.0), VESSEL_SHARPNESS);
    float inner = distance(p, eyes[first + INNER]), outer = distance(p, eyes[first + OUTER]);
    float corner = max(fitted_step(CORNER_REACH.x, CORNER_REACH.y, inner),
                       fitted_step(CORNER_REACH.x, CORNER_REACH.y, outer));
    float away = fitted_step(1.25, 2.6, off_axis);
    float red = VESSELS * (1.0 + eye_redness) * veins * (0.25 + 0.75 * away);
    red += PINK * away + CORNER_PINK * corner + FLUSH_REDNESS * eye_redness * (0.35 + 0.65 * away);
    vec3 white = mix(mix(SCLERA_YOUNG, SCLERA_OLD, age), VESSEL, min(0.85, red));
    return mix(white, CARUNCLE, fitted_step(CARUNCLE_REACH.x, CARUNCLE_REACH.y, inner));
}

float window(vec3 r, vec3 towards) {  // how much of the mirrored window lies in direction r
    vec3 w = normalize(towards);
    float along = dot(r, w);
    if (along <= 0.2) return 0.0;
    float level = 1.0 / sqrt(w.x * w.x + w.z * w.z + 1e-9);
    float across = abs((r.x * w.z - r.z * w.x) * level) / along;
    float high = abs(((r.z * w.z + r.x * w.x) * -w.y + r.y * (w.x * w.x + w.z * w.z)) * level) / along;
    float pane = fitted_step(WINDOW_HALF.x + WINDOW_EDGE, WINDOW_HALF.x - WINDOW_EDGE, across)
               * fitted_step(WINDOW_HALF.y + WINDOW_EDGE, WINDOW_HALF.y - WINDOW_EDGE, high);
    float bars = max(fitted_step(2.0 * WINDOW_BAR, 0.5 * WINDOW_BAR, across),
                     fitted_step(2.0 * WINDOW_BAR, 0.5 * WINDOW_BAR, high));
    return pane * (1.0 - WINDOW_BAR_SHADE * bars);
}

vec3 mirrored(vec3 m, vec3 v, vec3 sky, float openness, float seen, float lid, float cornea) {
    float m_v = dot(m, v);
    vec3 r = 2.0 * m_v * m - v, key = light_direction[0];
    float pane = window(r, vec3(key.x, WINDOW_LOWERED * key.y, key.z));
    pane *= mix(WINDOW_SCLERA, WINDOW_CORNEA, cornea) * mix(WINDOW_SHADOWED, 1.0, seen) * lid;
    float disc = fitted_step(FILL_LOW, FILL_HIGH, dot(r, light_direction[1])) * FILL_MIRRORED * cornea * lid;
    float fresnel = WET_F0 + (1.0 - WET_F0) * pow(1.0 - max(m_v, 0.0), 5.0);
    float above = MIRRORED_SKY * fresnel * max(0.0, 0.6 + 0.4 * r.y) * openness;
    return light_colour[0] * pane + light_colour[1] * disc + sky * above
         + highlights(m, v, mix(GLOSS_SCLERA, GLOSS_CORNEA, cornea), WET_F0, lid, seen, openness);
}

vec3 shade_eye(vec3 p, vec3 own, vec3 n, vec3 v, vec3 sky, float openness, float seen, float clear, float standing) {
    int first = distance(p, eyes[CENTRE]) < distance(p, eyes[6 + CENTRE]) ? 0 : 6;
    mat3 from_eye = mat3(eyes[first + RIGHT], eyes[first + UP], eyes[first + AXIS]);
    vec3 q = own / sqrt(dot(own, own) + 1e-12), w = v * from_eye;
    float off_axis = sqrt(dot(q.xy, q.xy) + 1e-9) / LIMBUS;
    float white = fitted_step(WHITE.x, WHITE.y, off_axis), cornea = 0.0;
    vec3 colour = vec3(0.0), m = n;
    if (off_axis < WHITE.y) {
        vec3 normal;
        vec2 hit = trace_cornea(q, w, normal);
        cornea = fitted_step(CORNEA_RIM.x, CORNEA_RIM.y, off_axis);
        m = mix(n, from_eye * normal, cornea);
        m /= sqrt(dot(m, m) + 1e-12);
        colour = iris_at(hit, (light_direction[0] * from_eye).xy);
    }
    if (white > 0.0) colour = mix(colour, sclera_at(q, off_axis, p, first), white);
    vec3 light = plain_diffuse(colour, n, SCLERA_WRAP * white, seen, sky, openness);
    float t = min(1.0, clear / LID_SHADOW), s = min(1.0, standing / SOCKET_REACH);
    float lid = t * (2.0 - t), socket = s * (2.0 - s);
    light *= pow(vec3(mix(LID_FLOOR, 1.0, lid) * mix(SOCKET_FLOOR, 1.0, socket)), LID_WARMTH);
    light += mirrored(m, v, sky, openness, seen, lid, cornea);
    float tear = fitted_step(TEAR.x, TEAR.y, standing) * (1.0 + TEAR_FLOOD * eye_redness);
    if (tear > 0.0) {
        vec3 film = normalize(n + TEAR_LIFT * from_eye[UP]);
        light += sky * TEAR_GLOW * tear + highlights(film, v, TEAR_ROUGHNESS, TEAR_F0, tear, seen, openness);
    }
    return light;
}
