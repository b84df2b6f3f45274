// Coverage of a ribbon at a pixel, over what lies behind it.

in vec3 display_here;
noperspective in float from_middle;
flat in float half_width;
flat in float opacity;

out vec4 display;

void main() {
    float cover = min(1.0, half_width + 0.5 - abs(from_middle)) * opacity;
    if (cover <= 0.0) discard;
    display = vec4(display_here, 1.0) * cover;
}
