// Prints of each mesh that Babylon.js makes of a .glb: its material, how many shapes it has, whether it is coated.
import { readFileSync } from "fs";
import path from "path";
import { pathToFileURL } from "url";

const at = (name) => import(pathToFileURL(path.join(process.env.FACE_EMOTE_NODE_MODULES, name)).href);
const { NullEngine } = await at("@babylonjs/core/Engines/nullEngine.js");
const { Scene } = await at("@babylonjs/core/scene.js");
const { ImportMeshAsync } = await at("@babylonjs/core/Loading/sceneLoader.js");
await at("@babylonjs/loaders/glTF/2.0/index.js");
const data = "data:application/octet-stream;base64," + readFileSync(process.argv[2]).toString("base64");
const { meshes } = await ImportMeshAsync(data, new Scene(new NullEngine()), { pluginExtension: ".glb" });
for (const mesh of meshes.filter((item) => item.getTotalVertices() > 0))
  console.log(mesh.material.name, mesh.morphTargetManager?.numTargets ?? 0, mesh.material.clearCoat.isEnabled);
process.exit(0);
