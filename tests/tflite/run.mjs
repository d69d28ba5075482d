// Runs .tflite files with TensorFlow Lite's own code: node run.mjs MODULES < jobs.json > results.json
//
// MODULES is the node_modules folder that holds the packages of package.json. A job is { runtime, model, input, output }: runtime "tflite" (the interpreter of
// @tensorflow/tfjs-tflite, TensorFlow Lite 2.12) or "litert" (the compiled-model API of @litertjs/core); model a file; input a file with the raw numbers of the
// input's type, of one input or of several, which run one after the other; output the file that receives those of the first output of every run. A result is
// { shape, type, inputShape, inputType } or { error }.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = path.resolve(process.argv[2]);
const require = createRequire(pathToFileURL(path.join(modules, "run.cjs")));
console.log = console.info = console.warn = console.error; // The runtimes' chatter; standard output is for the results.

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array, int16: Int16Array };

function numbers(file, type) {
  if (!(type in arrays)) throw new Error(`numbers of type ${type}`);
  const bytes = readFileSync(file);
  return new arrays[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function write(file, parts) {
  writeFileSync(file, Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))));
}

// The inputs of a file, each of the given length.
function* inputs(file, type, length) {
  const values = numbers(file, type);
  if (values.length === 0 || values.length % length !== 0) throw new Error(`the input takes ${length} numbers, ${values.length} were given`);
  for (let start = 0; start < values.length; start += length) yield values.slice(start, start + length);
}

async function loadTfLite() {
  const folder = path.join(modules, "@tensorflow/tfjs-tflite/wasm"), name = "tflite_web_api_cc_simd";
  const wasm = await require(path.join(folder, `${name}.js`))({ wasmBinary: readFileSync(path.join(folder, `${name}.wasm`)) });
  return async ({ model, input, output }) => {
    const bytes = readFileSync(model), address = wasm._malloc(bytes.length);
    wasm.HEAPU8.set(bytes, address);
    const options = { numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 0 };
    const made = wasm.TFLiteWebModelRunner.CreateFromBufferAndOptions(address, bytes.length, options);
    try {
      if (!made.ok()) throw new Error(made.errorMessage());
      const runner = made.value(), fed = runner.GetInputs().get(0);
      let result;
      const parts = [];
      for (const values of inputs(input, fed.dataType, fed.data().length)) {
        fed.data().set(values);
        if (!runner.Infer()) throw new Error("it does not run");
        // An output whose size is computed gets its memory during the run.
        result = runner.GetOutputs().get(0);
        parts.push(result.data().slice());
      }
      write(output, parts);
      return { shape: sizes(result.shape), type: result.dataType, inputShape: sizes(fed.shape), inputType: fed.dataType };
    } finally {
      made.delete();
      wasm._free(address);
    }
  };
}

const sizes = (text) => text.split(",").map(Number);

async function loadLiteRt() {
  // Node has no relaxed SIMD without a switch before version 21, so the build without it.
  const folder = path.join(modules, "@litertjs/core/wasm"), script = path.join(folder, "litert_wasm_compat_internal.js");
  globalThis.self = globalThis;
  globalThis.navigator ??= {};
  globalThis.Module = { wasmBinary: readFileSync(script.replace(/js$/, "wasm")) };
  globalThis.importScripts = (file) => {
    const run = new Function("module", "exports", "require", "__filename", "__dirname", `${readFileSync(file, "utf8")}\nglobalThis.ModuleFactory = ModuleFactory;`);
    run({ exports: {} }, {}, require, file, folder);
  };
  const litert = await import(pathToFileURL(path.join(modules, "@litertjs/core/dist/index.js")));
  await litert.loadLiteRt(script);
  return async ({ model, input, output }) => {
    const compiled = await litert.loadAndCompile(new Uint8Array(readFileSync(model)), { accelerator: "wasm" });
    try {
      const fed = compiled.getInputDetails()[0], inputShape = [...fed.shape];
      const parts = [], made = {};
      for (const values of inputs(input, fed.dtype, inputShape.reduce((a, b) => a * b, 1))) {
        const tensor = new litert.Tensor(values, inputShape);
        const [result] = await compiled.run([tensor]);
        parts.push((await result.data()).slice());
        Object.assign(made, { shape: [...result.type.layout.dimensions], type: result.type.dtype });
        result.delete();
        tensor.delete();
      }
      write(output, parts);
      return { ...made, inputShape, inputType: fed.dtype };
    } finally {
      compiled.delete();
    }
  };
}

const loaders = { tflite: loadTfLite, litert: loadLiteRt }, runtimes = {}, results = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    runtimes[job.runtime] ??= await loaders[job.runtime]();
    results.push(await runtimes[job.runtime](job));
  } catch (error) {
    results.push({ error: String(error?.message ?? error) });
  }
}

process.stdout.write(JSON.stringify(results));
process.exit(0);
