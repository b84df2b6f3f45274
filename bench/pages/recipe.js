// Wrinkles in the skin's own material, without the second mesh: the recipe of docs/engines.md, and nothing else.
export async function wrinkles({ scene, parser }, THREE) {
  const find = (name) => { let found; scene.traverse((o) => { if (o.isMesh && o.material.name === name) found = o; }); return found; };
  const skin = find("skin"), folds = find("folds"), names = Object.entries(skin.morphTargetDictionary);
  const curve = names.filter(([name]) => name.startsWith("skin_wrinkle_")).map(([, i]) => i);
  const uniforms = { regions: { value: await new THREE.TextureLoader().loadAsync("/line.skin.png") }, w: { value: [] },
    foldsColour: { value: folds.material.map }, foldsNormal: { value: folds.material.normalMap } };
  folds.visible = false;
  skin.onBeforeRender = () => { uniforms.w.value = curve.map((i) => skin.morphTargetInfluences[i]); };
  skin.material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.fragmentShader = shader.fragmentShader.replace("void main() {", `
      uniform sampler2D regions, foldsColour, foldsNormal; uniform float w[16];
      void main() { float fold = 0.0;
        for (int i = 0; i < 16; i++) fold += w[i] * texture2D(regions, (vec2(i % 6, 3 - i / 6) + vec2(vMapUv.x, 1.0 - vMapUv.y)) / vec2(6, 4)).r;
        fold = min(fold, 1.0);`)
      .replace("#include <map_fragment>", "#include <map_fragment>\ndiffuseColor.rgb *= mix(vec3(1), texture2D(foldsColour, vMapUv).rgb / max(sampledDiffuseColor.rgb, 1e-3), fold);")
      .replace("#include <normal_fragment_maps>", THREE.ShaderChunk.normal_fragment_maps.replaceAll(
        "texture2D( normalMap, vNormalMapUv ).xyz", "mix(texture2D( normalMap, vNormalMapUv ), texture2D( foldsNormal, vNormalMapUv ), fold).xyz"));
  };
}
