// A piece of strand becomes a ribbon that faces the camera, a pixel wide at least: thinner ones get fainter instead.

layout(lines) in;
layout(triangle_strip, max_vertices = 4) out;

uniform vec2 picture;   // pixels
uniform float focal;    // pixels per unit of x / depth

in Knot {
    vec3 display;
    float width;
} knot[];

out vec3 display_here;
noperspective out float from_middle;  // pixels
flat out float half_width;
flat out float opacity;

void main() {
    vec2 a = gl_in[0].gl_Position.xy / gl_in[0].gl_Position.w * 0.5 * picture;
    vec2 b = gl_in[1].gl_Position.xy / gl_in[1].gl_Position.w * 0.5 * picture;
    float pixels = 0.5 * (knot[0].width + knot[1].width) * focal, length = distance(a, b);
    opacity = min(1.0, pixels);
    if (length < 1e-4 || opacity <= 0.004) return;
    half_width = 0.5 * max(pixels, 1.0);
    float reach = half_width + 0.5;
    vec2 aside = vec2(b.y - a.y, a.x - b.x) / length * reach / (0.5 * picture);
    for (int end = 0; end < 2; ++end)
        for (int side = -1; side <= 1; side += 2) {
            display_here = knot[end].display;
            from_middle = float(side) * reach;
            gl_Position = gl_in[end].gl_Position;
            gl_Position.xy += float(side) * aside * gl_Position.w;
            EmitVertex();
        }
    EndPrimitive();
}
