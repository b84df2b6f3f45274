"use strict";
// Plays a talking head: reads the .glb of this page, moves it on the processor (targets, then joints, as glTF 2.0
// says in sections 3.7.2 and 3.7.3), and shades it with WebGL 2. Needs nothing from anywhere else.

const $ = (id) => document.getElementById(id);
const KINDS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };
const TYPES = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };

function bytesOf(text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

class Glb {
  constructor(bytes) {
    const view = new DataView(bytes.buffer);
    if (view.getUint32(0, true) !== 0x46546c67) throw new Error("This is no .glb file.");
    const length = view.getUint32(12, true);
    this.json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + length)));
    this.binary = bytes.slice(28 + length);
  }
  view(index) {
    const { byteOffset = 0, byteLength } = this.json.bufferViews[index];
    return this.binary.slice(byteOffset, byteOffset + byteLength);
  }
  array(index) {
    const item = this.json.accessors[index], Kind = TYPES[item.componentType];
    if (item.bufferView === undefined) return new Kind(item.count * KINDS[item.type]);
    return floats(new Kind(this.view(item.bufferView).buffer, 0, item.count * KINDS[item.type]), item);
  }
  // A morph target as [rows that move, their values]; a target that moves nothing costs nothing.
  sparse(index) {
    const item = this.json.accessors[index];
    if (item.sparse) {
      const { indices, values } = item.sparse;
      const read = ({ bufferView, byteOffset = 0 }, kind, count) => new kind(this.view(bufferView).buffer, byteOffset, count);
      return [read(indices, TYPES[indices.componentType], item.sparse.count),
              floats(read(values, TYPES[item.componentType], item.sparse.count * KINDS[item.type]), item)];
    }
    if (item.bufferView === undefined) return [new Uint16Array(0), new Float32Array(0)];
    const values = this.array(index);
    return [Uint32Array.from({ length: item.count }, (_, i) => i), values];
  }
}

// Integers that stand for -1..1, or 0..1 without a sign, as such numbers.
function floats(values, item) {
  if (!item.normalized || values.BYTES_PER_ELEMENT > 2) return values;
  const signed = values instanceof Int8Array || values instanceof Int16Array, levels = 256 ** values.BYTES_PER_ELEMENT;
  return Float32Array.from(values, (x) => Math.max(x / (signed ? levels / 2 - 1 : levels - 1), -1));
}

function multiply(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++) for (let r = 0; r < 4; r++)
    out[4 * c + r] = a[r] * b[4 * c] + a[4 + r] * b[4 * c + 1] + a[8 + r] * b[4 * c + 2] + a[12 + r] * b[4 * c + 3];
  return out;
}

function placed([x, y, z, w], [tx, ty, tz]) {
  return new Float32Array([
    1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w), 0,
    2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w), 0,
    2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y), 0, tx, ty, tz, 1]);
}

// The scene at any time: vertices of every primitive, and what the skin does.
class Performance {
  constructor(glb) {
    this.glb = glb;
    const { json } = glb;
    this.clip = (json.animations || [])[0];
    this.curves = new Map();
    for (const { sampler, target } of this.clip ? this.clip.channels : []) {
      const { input, output } = this.clip.samplers[sampler];
      this.times = this.times || glb.array(input);
      this.curves.set(`${target.node}.${target.path}`, glb.array(output));
    }
    this.duration = this.times ? this.times[this.times.length - 1] : 0;
    this.parents = new Map();
    json.nodes.forEach((node, i) => (node.children || []).forEach((child) => this.parents.set(child, i)));
    this.pieces = json.nodes.flatMap((node, number) => node.mesh === undefined ? [] :
      json.meshes[node.mesh].primitives.map((primitive) => this.piece(primitive, number)))
      .filter((piece) => piece.material.name !== "folds");  // Which this page bends out of the skin itself.
    this.skin = { wrinkles: new Float32Array(16), blood: new Float32Array(8) };
    const recorded = this.clip && this.clip.extras && this.clip.extras.skin;
    if (recorded) this.curves.set("skin.values", glb.array(recorded.accessor));
    const names = recorded ? recorded.names : (json.meshes[0].extras || {}).targetNames || [];
    this.skinNames = names.length;
    this.skinColumns = { wrinkles: columns(names, "skin_wrinkle_"), blood: columns(names, "skin_blood_") };
  }
  piece(primitive, node) {
    const { glb } = this, { attributes } = primitive, read = (name) => attributes[name] === undefined ? null : glb.array(attributes[name]);
    return {
      node, rest: read("POSITION"), restNormal: read("NORMAL"), uv: read("TEXCOORD_0"), paint: read("COLOR_0"), joints: read("JOINTS_0"),
      shares: read("WEIGHTS_0"), indices: Uint32Array.from(glb.array(primitive.indices)),
      moves: (primitive.targets || []).map((target) => glb.sparse(target.POSITION)),
      turns: (primitive.targets || []).map((target) => target.NORMAL === undefined ? [[], []] : glb.sparse(target.NORMAL)),
      material: (glb.json.materials || [])[primitive.material] || {},
      points: new Float32Array(read("POSITION").length), normals: new Float32Array(read("POSITION").length),
    };
  }
  // Linear between keys, quaternions along the shorter arc and made unit again.
  value(node, path, width, time) {
    const curve = this.curves.get(`${node}.${path}`);
    if (!curve) return null;
    const { times } = this, last = times.length - 1;
    let low = Math.min(Math.max(Math.floor(time / this.duration * last) || 0, 0), Math.max(last - 1, 0));
    while (low > 0 && times[low] > time) low--;
    while (low < last - 1 && times[low + 1] < time) low++;
    const high = Math.min(low + 1, last), gap = times[high] - times[low];
    const share = gap > 0 ? Math.min(Math.max((time - times[low]) / gap, 0), 1) : 0;
    const out = new Float32Array(width);
    let sign = 1;
    if (path === "rotation") {
      let dot = 0;
      for (let i = 0; i < 4; i++) dot += curve[4 * low + i] * curve[4 * high + i];
      sign = dot < 0 ? -1 : 1;
    }
    for (let i = 0; i < width; i++) out[i] = (1 - share) * curve[width * low + i] + sign * share * curve[width * high + i];
    if (path === "rotation") { const n = Math.hypot(...out); out.forEach((x, i) => { out[i] = x / n; }); }
    return out;
  }
  world(node, time, known) {
    if (known.has(node)) return known.get(node);
    const { rotation = [0, 0, 0, 1], translation = [0, 0, 0] } = this.glb.json.nodes[node];
    const own = placed(this.value(node, "rotation", 4, time) || rotation, this.value(node, "translation", 3, time) || translation);
    const parent = this.parents.get(node);
    known.set(node, parent === undefined ? own : multiply(this.world(parent, time, known), own));
    return known.get(node);
  }
  at(time) {
    const { json } = this.glb, known = new Map();
    const skin = (json.skins || [])[0];
    let matrices = null;
    if (skin) {
      this.binds = this.binds || this.glb.array(skin.inverseBindMatrices);
      matrices = skin.joints.map((node, i) => multiply(this.world(node, time, known), this.binds.subarray(16 * i, 16 * i + 16)));
    }
    for (const piece of this.pieces) {
      const weights = this.value(piece.node, "weights", piece.moves.length, time) || new Float32Array(piece.moves.length);
      if (piece === this.pieces[0]) this.readSkin(this.value("skin", "values", this.skinNames, time) || weights);
      piece.points.set(piece.rest); piece.normals.set(piece.restNormal);
      for (let t = 0; t < weights.length; t++) if (weights[t] !== 0) {
        add(piece.points, piece.moves[t], weights[t]); add(piece.normals, piece.turns[t], weights[t]);
      }
      if (matrices && piece.joints) skinned(piece, matrices);
    }
  }
  readSkin(weights) {
    for (const kind of ["wrinkles", "blood"]) this.skinColumns[kind].forEach((column, i) => { this.skin[kind][i] = weights[column] || 0; });
  }
}

const SHADED = { mouth: 0.4, teeth: 0.72, eyes: 0.9 };  // What lies inside sees less of the light; colours of vertices may say so.

const columns = (names, start) => names.map((name, i) => name.startsWith(start) ? i : -1).filter((i) => i >= 0);

function add(points, [rows, values], weight) {
  for (let k = 0; k < rows.length; k++) {
    const at = 3 * rows[k];
    points[at] += weight * values[3 * k]; points[at + 1] += weight * values[3 * k + 1]; points[at + 2] += weight * values[3 * k + 2];
  }
}

function skinned(piece, matrices) {
  const { points, normals, joints, shares } = piece, m = new Float32Array(12);
  for (let v = 0; v < points.length / 3; v++) {
    m.fill(0);
    for (let k = 0; k < 4; k++) {
      const share = shares[4 * v + k], joint = matrices[joints[4 * v + k]];
      if (share > 0) for (let c = 0; c < 4; c++) for (let r = 0; r < 3; r++) m[3 * c + r] += share * joint[4 * c + r];
    }
    const [x, y, z] = [points[3 * v], points[3 * v + 1], points[3 * v + 2]], [a, b, c] = [normals[3 * v], normals[3 * v + 1], normals[3 * v + 2]];
    for (let r = 0; r < 3; r++) {
      points[3 * v + r] = m[r] * x + m[3 + r] * y + m[6 + r] * z + m[9 + r];
      normals[3 * v + r] = m[r] * a + m[3 + r] * b + m[6 + r] * c;
    }
  }
}

const VERTEX = `#version 300 es
in vec3 point, normal, paint; in vec2 uv; in vec2 state;
uniform mat4 view, lens;
out vec3 place, facing, tone; out vec2 chart; out vec2 skin;
void main() { tone = paint; place = point; facing = normal; chart = uv; skin = state; gl_Position = lens * view * vec4(point, 1.0); }`;

// The formulas are face_emote's own (look/formula/viewed.py); what the page's file has is looked up here.
const fragment = () => `#version 300 es
precision highp float;
${$("formulas").textContent}
in vec3 place, facing, tone; in vec2 chart; in vec2 skin;
uniform vec3 eye, tint; uniform float roughness, shade, isSkin, hasColour, hasNormal, hasFolds;
uniform sampler2D colour, relief, folds;
out vec4 shown;
vec3 bent(vec3 n, vec2 slope) {  // A slope along u and v, on a surface whose chart is known by its derivatives.
  vec3 px = dFdx(place), py = dFdy(place); vec2 ux = dFdx(chart), uy = dFdy(chart);
  vec3 across = cross(py, n), up = cross(n, px);
  vec3 u = across * ux.x + up * uy.x, v = -(across * ux.y + up * uy.y);
  float size = inversesqrt(max(max(dot(u, u), dot(v, v)), 1e-20));
  return normalize(n - slope.x * u * size - slope.y * v * size);
}
vec3 linear(vec3 c) { return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c)); }
vec3 srgb(vec3 c) { return mix(c * 12.92, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c)); }
vec3 skinHere(vec3 base, vec3 n) {
  vec2 slope = vec2(0.0); float crease = 0.0;
  if (hasNormal > 0.5) { vec3 t = texture(relief, chart).rgb * 2.0 - 1.0; slope -= 1.6 * t.xy / max(t.z, 0.2); }
  if (hasFolds > 0.5) {
    vec3 f = texture(folds, chart).rgb * 2.0 - 1.0;
    slope += 2.0 * skin.y * f.xy; crease = clamp(-f.z * skin.y, 0.0, 1.0);
  }
  return shade_viewed_skin(place - eye, n, base, shade, bent(n, slope), clamp(skin.x, -1.0, 1.0), crease);
}
void main() {
  vec3 n = normalize(facing);
  if (dot(n, eye - place) < 0.0 && isSkin < 0.5) n = -n;
  vec4 seen = texture(colour, chart);
  if (hasColour > 0.5 && seen.a < 0.4) discard;  // Between the strands of a card.
  vec3 base = hasColour > 0.5 ? linear(seen.rgb) : tint * tone;
  vec3 light = isSkin > 0.5 ? skinHere(base, n) : shade_viewed_part(place - eye, n, base, shade, roughness);
  float fade = isSkin > 0.5 ? smoothstep(-0.205, -0.165, place.y) : 1.0;  // A head without a garment ends in the dark.
  shown = vec4(srgb(light), fade * fade);
}`;

class Stage {
  constructor(canvas, performance, skin) {
    this.canvas = canvas; this.performance = performance; this.skin = skin;
    const gl = this.gl = canvas.getContext("webgl2", { alpha: true, antialias: true, premultipliedAlpha: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser has no WebGL 2; try a current one.");
    this.program = this.compiled();
    this.places = {};
    for (const name of ["view", "lens", "eye", "tint", "roughness", "shade", "isSkin", "hasColour", "hasNormal", "hasFolds", "colour", "relief", "folds"])
      this.places[name] = gl.getUniformLocation(this.program, name);
    gl.useProgram(this.program);
    for (const [name, numbers] of Object.entries(skin.light))
      gl[numbers.length === 3 ? "uniform3fv" : "uniform1fv"](gl.getUniformLocation(this.program, name), numbers);
    gl.enable(gl.DEPTH_TEST);
    this.orbit = { yaw: -0.16, pitch: 0.03, far: 1.0 };
    this.centre = [0, -0.012, 0.03];
    for (const piece of performance.pieces) this.prepare(piece);
  }
  compiled() {
    const { gl } = this, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment()]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text); gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    ["point", "normal", "uv", "state", "paint"].forEach((name, i) => gl.bindAttribLocation(program, i, name));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }
  prepare(piece) {
    const { gl } = this, count = piece.points.length / 3;
    piece.vao = gl.createVertexArray(); gl.bindVertexArray(piece.vao);
    piece.state = new Float32Array(2 * count);
    piece.buffers = [[piece.points, 3], [piece.normals, 3], [piece.uv || new Float32Array(2 * count), 2], [piece.state, 2], [piece.paint || new Float32Array(3 * count).fill(1), 3]].map(([data, width], i) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer); gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(i); gl.vertexAttribPointer(i, width, gl.FLOAT, false, 0, 0);
      return buffer;
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer()); gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, piece.indices, gl.STATIC_DRAW);
    piece.isSkin = piece.material.name === "skin";
    if (piece.isSkin && this.skin.masks && this.skin.masks.count === count) {
      piece.bloodMasks = bytesOf(this.skin.masks.blood); piece.wrinkleMasks = bytesOf(this.skin.masks.wrinkles);
    }
  }
  async dress() {
    const { json } = this.performance.glb;
    const picture = async (texture) => {
      const image = texture && json.images[json.textures[texture.index].source];
      return image ? this.texture(new Blob([this.performance.glb.view(image.bufferView)], { type: image.mimeType })) : null;
    };
    for (const piece of this.performance.pieces) {
      const look = piece.material.pbrMetallicRoughness || {};
      piece.colour = await picture(look.baseColorTexture);
      piece.relief = await picture(piece.material.normalTexture);
    }
    this.folds = this.skin.folds ? await this.texture(new Blob([bytesOf(this.skin.folds)], { type: "image/png" })) : null;
  }
  async texture(blob) {
    const { gl } = this, picture = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    return made;
  }
  // Blood and folds of every skin vertex: the regions' masks times their curves, scaled and shifted by the sliders.
  flush(piece, mix) {
    if (!piece.bloodMasks) return;
    const { wrinkles, blood } = this.performance.skin, nine = new Float32Array(9), sixteen = new Float32Array(16);
    for (let i = 0; i < 8; i++) nine[i] = mix.blood * blood[i] + mix.blush * this.skin.blush[i];
    nine[8] = (nine[2] + nine[3] + nine[4]) / 3;  // The neck follows cheeks and ears.
    for (let i = 0; i < 16; i++) sixteen[i] = Math.min(mix.wrinkles * wrinkles[i] + mix.creases, 1.6);
    for (let v = 0; v < piece.state.length / 2; v++) {
      let red = 0, fold = 0;
      for (let i = 0; i < 9; i++) red += nine[i] * piece.bloodMasks[9 * v + i];
      for (let i = 0; i < 16; i++) fold += sixteen[i] * piece.wrinkleMasks[16 * v + i];
      piece.state[2 * v] = red / 255; piece.state[2 * v + 1] = Math.min(fold / 255, 1.6);
    }
  }
  draw(time, mix) {
    const { gl, canvas, orbit, places, performance } = this;
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    performance.at(time);
    gl.viewport(0, 0, width, height); gl.clearColor(0, 0, 0, 0); gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.program);
    const [cy, sy, cp, sp] = [Math.cos(orbit.yaw), Math.sin(orbit.yaw), Math.cos(orbit.pitch), Math.sin(orbit.pitch)];
    const back = [sy * cp, sp, cy * cp], right = [cy, 0, -sy], up = [-sy * sp, cp, -cy * sp];
    const eye = this.centre.map((x, i) => x + orbit.far * back[i]);
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    gl.uniformMatrix4fv(places.view, false, [right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
      -dot(right, eye), -dot(up, eye), -dot(back, eye), 1]);
    const focus = 1 / Math.tan(0.2) * Math.min(1, width / height * 1.25), near = 0.05, away = 5;
    gl.uniformMatrix4fv(places.lens, false, [focus * height / width, 0, 0, 0, 0, focus, 0, 0, 0, 0, (away + near) / (near - away), -1, 0, 0, 2 * away * near / (near - away), 0]);
    gl.uniform3fv(places.eye, eye);
    ["colour", "relief", "folds"].forEach((name, i) => gl.uniform1i(places[name], i));
    for (const piece of performance.pieces) {
      this.flush(piece, mix);
      [piece.points, piece.normals, null, piece.state].forEach((data, i) => {
        if (data) { gl.bindBuffer(gl.ARRAY_BUFFER, piece.buffers[i]); gl.bufferSubData(gl.ARRAY_BUFFER, 0, data); }
      });
      const look = piece.material.pbrMetallicRoughness || {};
      gl.uniform3fv(places.tint, (look.baseColorFactor || [1, 1, 1]).slice(0, 3));
      gl.uniform1f(places.roughness, look.roughnessFactor === undefined ? 0.5 : look.roughnessFactor);
      gl.uniform1f(places.isSkin, piece.isSkin ? 1 : 0);
      gl.uniform1f(places.shade, piece.paint ? 1 : SHADED[piece.material.name] || 1);
      [["hasColour", piece.colour], ["hasNormal", piece.relief], ["hasFolds", piece.bloodMasks ? this.folds : null]].forEach(([name, made], i) => {
        gl.uniform1f(places[name], made ? 1 : 0);
        gl.activeTexture(gl.TEXTURE0 + i); gl.bindTexture(gl.TEXTURE_2D, made);
      });
      gl.bindVertexArray(piece.vao);
      gl.drawElements(gl.TRIANGLES, piece.indices.length, gl.UNSIGNED_INT, 0);
    }
  }
}

class Player {
  constructor(stage, sound) {
    this.stage = stage; this.sound = sound; this.hasSound = sound.hasAttribute("src"); this.time = 0; this.running = false;
    this.duration = Math.max(stage.performance.duration, 0.001);
    $("play").onclick = () => this.toggle();
    $("seek").oninput = () => { this.go(Number($("seek").value) * this.duration); };
    window.onkeydown = (event) => { if (event.code === "Space" && event.target.tagName !== "BUTTON") { event.preventDefault(); this.toggle(); } };
    this.orbiting();
  }
  go(time) { this.time = Math.min(Math.max(time, 0), this.duration); if (this.hasSound) this.sound.currentTime = this.time; }
  toggle() {
    this.running = !this.running;
    if (this.running && this.time >= this.duration - 0.02) this.go(0);
    if (this.hasSound) { if (this.running) this.sound.play().catch(() => { this.hasSound = false; }); else this.sound.pause(); }
    $("play").textContent = this.running ? "\u2759\u2759" : "\u25b6"; $("play").setAttribute("aria-label", this.running ? "Pause" : "Play");
  }
  orbiting() {
    const { canvas, orbit } = this.stage;
    canvas.onpointerdown = (event) => canvas.setPointerCapture(event.pointerId);
    canvas.onpointermove = (event) => {
      if (!event.buttons) return;
      orbit.yaw -= 0.006 * event.movementX; orbit.pitch = Math.min(Math.max(orbit.pitch + 0.005 * event.movementY, -0.9), 0.9);
    };
    canvas.onwheel = (event) => { event.preventDefault(); orbit.far = Math.min(Math.max(orbit.far * Math.exp(0.001 * event.deltaY), 0.4), 2.4); };
  }
  mix() {
    const out = {};
    for (const name of ["blood", "blush", "wrinkles", "creases"]) {
      out[name] = Number($(name).value);
      $(`${name}-value`).textContent = out[name].toFixed(2);
    }
    return out;
  }
  frame(now) {
    const elapsed = Math.min((now - (this.last === undefined ? now : this.last)) / 1000, 0.1);
    this.last = now;
    if (this.running) {
      this.time = this.hasSound && !this.sound.ended && this.sound.readyState > 1 ? this.sound.currentTime : this.time + elapsed;
      if (this.time >= this.duration) { this.time = this.duration; this.toggle(); }
    }
    $("seek").value = this.time / this.duration;
    $("clock").textContent = `${this.time.toFixed(2)} / ${this.duration.toFixed(2)} s`;
    this.stage.draw(this.time, this.mix());
    document.body.dataset.frames = Number(document.body.dataset.frames || 0) + 1;
  }
}

async function begin() {
  const glb = new Glb(bytesOf($("glb").textContent));
  const facts = (glb.json.asset || {}).extras || {};
  $("facts").textContent = [facts.emotion, facts.speech_name, facts.fps && `${facts.fps} fps`].filter(Boolean).join("  \u00b7  ");
  const stage = new Stage($("stage"), new Performance(glb), JSON.parse($("skin").textContent));
  await stage.dress();
  const player = new Player(stage, $("sound"));
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {  // For example #t=1.2&blush=1&yaw=0.4
    if (name === "t") player.go(Number(value));
    else if (name === "yaw" || name === "far") stage.orbit[name] = Number(value);
    else if ($(name) && $(name).type === "range") $(name).value = value;
  }
  const loop = (now) => { player.frame(now); requestAnimationFrame(loop); };
  requestAnimationFrame(loop);
  window.player = player;
}

begin().catch((error) => { $("trouble").hidden = false; $("trouble").textContent = error.message; document.body.dataset.trouble = error.message; });
