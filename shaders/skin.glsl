// The skin maps at a place.

uniform sampler2D skin_maps[3];  // channels as rendering/stage/buffers.py lists them, four a texture
uniform int num_levels;

struct Texel {
    vec4 first, second;
    vec2 third;
};

Texel skin_texel(vec2 place, float level) {
    vec2 at = vec2(place.x, 1.0 - place.y);
    return Texel(textureLod(skin_maps[0], at, level), textureLod(skin_maps[1], at, level),
                 textureLod(skin_maps[2], at, level).xy);
}

float mip_level(float chart_area) {  // at which one texel is about one pixel
    float side = float(textureSize(skin_maps[0], 0).x);
    float ratio = chart_area * side * side, level = 0.0;
    while (ratio > 2.0 && level < float(num_levels - 1)) { ratio *= 0.25; level += 1.0; }
    return level;
}
