// Vertex stage of skin, eyes, teeth, tongue and cloth.

uniform mat4 clip_from_world;

in vec3 position;
in vec3 normal;
in vec3 sky_plain;  // sky light on plain materials
in vec3 sky_skin;
in vec2 opened;  // how open the place is, share of the rim light that it sees
in vec3 state;   // local wrinkle activation, blood flow, how thin the skin is
in vec2 uv;
in vec3 local;
in float material;

out vec3 at;
out vec3 smooth_normal;
out vec3 sky;
out vec3 sky_scattered;
out vec2 own_opened;
out vec3 own_state;
out vec2 chart;
out vec3 own;
out float distance_along;
flat out int kind;

void main() {
    gl_Position = clip_from_world * vec4(position, 1.0);
    distance_along = gl_Position.w;
    at = position;
    smooth_normal = normal;
    sky = sky_plain;
    sky_scattered = sky_skin;
    own_opened = opened;
    own_state = state;
    chart = uv;
    own = local;
    kind = int(material + 0.5);
}
