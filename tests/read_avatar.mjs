// What @pixiv/three-vrm reads: node read_avatar.mjs NODE_MODULES MODEL.vrm ANIMATION.vrma SECONDS; prints JSON.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

globalThis.self = globalThis; // GLTFLoader asks the browser's window for URL.
const [modules, model, animation, seconds] = process.argv.slice(2);
const from = (place) => import(pathToFileURL(path.join(path.resolve(modules), place)).href);
const THREE = await from('three/build/three.module.js');
const { GLTFLoader } = await from('three/examples/jsm/loaders/GLTFLoader.js');
const { VRMLoaderPlugin } = await from('@pixiv/three-vrm/lib/three-vrm.module.js');
const { VRMAnimationLoaderPlugin, VRMLookAtQuaternionProxy, createVRMAnimationClip } = await from(
  '@pixiv/three-vrm-animation/lib/three-vrm-animation.module.js',
);

const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));

async function load(file) {
  const loader = new GLTFLoader();
  // There are no pictures outside a browser.
  loader.register(() => ({ name: 'blind', loadTexture: () => Promise.resolve(new THREE.Texture()) }));
  loader.register((parser) => new VRMLoaderPlugin(parser));
  loader.register((parser) => new VRMAnimationLoaderPlugin(parser));
  const data = await readFile(file);
  return loader.parseAsync(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength), '');
}

function places(vrm) {
  vrm.scene.updateMatrixWorld(true);
  const out = [];
  vrm.scene.traverse((mesh) => {
    if (!mesh.isSkinnedMesh) return;
    mesh.skeleton.update();
    const points = [];
    for (let i = 0; i < mesh.geometry.attributes.position.count; i++) {
      points.push(mesh.getVertexPosition(i, new THREE.Vector3()).toArray());
    }
    out.push(points);
  });
  return out;
}

const vrm = (await load(model)).userData.vrm;
const rest = places(vrm);
const faces = {};
for (const { expressionName } of vrm.expressionManager.expressions) {
  vrm.expressionManager.setValue(expressionName, 1);
  vrm.update(0);
  const posed = places(vrm);
  faces[expressionName] = Math.max(
    ...posed.flatMap((points, mesh) => points.map((p, i) => Math.hypot(...p.map((x, k) => x - rest[mesh][i][k])))),
  );
  vrm.expressionManager.setValue(expressionName, 0);
}
vrm.update(0);

const proxy = new VRMLookAtQuaternionProxy(vrm.lookAt);
proxy.name = 'lookAtQuaternionProxy';
vrm.scene.add(proxy);
const [moves] = (await load(animation)).userData.vrmAnimations;
const clip = createVRMAnimationClip(moves, vrm);
const mixer = new THREE.AnimationMixer(vrm.scene);
mixer.clipAction(clip).play();
mixer.setTime(Number(seconds));
vrm.update(0);
const weights = {};
for (const { expressionName } of vrm.expressionManager.expressions) {
  weights[expressionName] = vrm.expressionManager.getValue(expressionName);
}
console.log(
  JSON.stringify({
    warnings,
    meta: vrm.meta,
    bones: Object.keys(vrm.humanoid.rawHumanBones),
    presets: Object.keys(vrm.expressionManager.presetExpressionMap),
    faces,
    duration: clip.duration,
    tracks: clip.tracks.length,
    weights,
    yaw: vrm.lookAt.yaw,
    pitch: vrm.lookAt.pitch,
    rest,
    posed: places(vrm),
  }),
);
