// Runs a TensorFlow.js graph model on the pure JavaScript backend and prints its outputs: the independent run that
// the ONNX importer is compared with. Called by record.py; `@tensorflow/tfjs` is looked for in the working directory.
//
//   node record_tfjs.mjs MODEL.json INPUT.bin SHAPE DTYPE      (raw little-endian input, SHAPE such as 1,64,64,1)
//
// Output: one JSON object, name of the output -> {shape, data}, data as base64 of little-endian float32.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const tf = createRequire(join(process.cwd(), 'package.json'))('@tensorflow/tfjs');
const [modelPath, inputPath, shapeText, dtype] = process.argv.slice(2);

const loadFromDisk = {
  async load() {
    const model = JSON.parse(readFileSync(modelPath, 'utf8'));
    const shards = model.weightsManifest.flatMap((group) => group.paths);
    const bytes = Buffer.concat(shards.map((path) => readFileSync(join(dirname(modelPath), path))));
    return {
      modelTopology: model.modelTopology,
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
      weightData: new Uint8Array(bytes).buffer,
      signature: model.signature,
      userDefinedMetadata: model.userDefinedMetadata,
    };
  },
};

await tf.setBackend('cpu');
const model = await tf.loadGraphModel(loadFromDisk);
const raw = new Uint8Array(readFileSync(inputPath)).buffer;
const values = dtype === 'int32' ? new Int32Array(raw) : new Float32Array(raw);
const input = tf.tensor(values, shapeText.split(',').map(Number), dtype);
const { signature, userDefinedMetadata } = JSON.parse(readFileSync(modelPath, 'utf8'));
const named = Object.entries((signature ?? userDefinedMetadata.signature).outputs);
const outputs = [model.execute(input, named.map(([, output]) => output.name))].flat();
const result = {};
named.forEach(([name], index) => {
  const data = Float32Array.from(outputs[index].dataSync());
  result[name] = { shape: outputs[index].shape, data: Buffer.from(data.buffer).toString('base64') };
});
process.stdout.write(JSON.stringify(result));
