// Read faces by @vladmandic/face-api: node face_api.cjs FOLDER FACES.rgb COUNT -> JSON of 7 probabilities a face.
// FACES.rgb holds COUNT pictures of 112 x 112 x 3 bytes.
const fs = require("fs");
const path = require("path");

const SIDE = 112;
const [folder, file, count] = process.argv.slice(2);
const modules = path.join(folder, "node_modules");
const faceapi = require(path.join(modules, "@vladmandic", "face-api", "dist", "face-api.node-wasm.js"));

async function main() {
  const tf = faceapi.tf;
  await tf.setBackend("cpu");
  await tf.ready();
  await faceapi.nets.faceExpressionNet.loadFromDisk(path.join(modules, "@vladmandic", "face-api", "model"));
  const bytes = fs.readFileSync(file);
  const answers = [];
  for (let i = 0; i < Number(count); i++) {
    const part = bytes.subarray(i * SIDE * SIDE * 3, (i + 1) * SIDE * SIDE * 3);
    const picture = tf.tensor3d(Float32Array.from(part), [SIDE, SIDE, 3]);
    const found = await faceapi.nets.faceExpressionNet.predictExpressions(picture);
    answers.push(["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"].map((name) => found[name]));
    picture.dispose();
  }
  process.stdout.write(JSON.stringify(answers));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
