// Greedy tokens of GGUF files with their probabilities, as one JSON object: {path: [[token, probability]...]}.
//
//   node tokens.mjs NPM_DIR PROMPT COUNT MODEL.gguf...
//
// PROMPT is a JSON list of token ids. Exit 1: a model could not be loaded or run.
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, prompt, count, ...paths] = process.argv.slice(2);
const entry = join(resolve(npmDir), "node_modules/node-llama-cpp/dist/index.js");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry).href);
const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error});

async function generate(path) {
    const model = await llama.loadModel({modelPath: resolve(path)});
    const context = await model.createContext({contextSize: 64, threads: 1});
    const produced = [];
    const options = {temperature: 0, yieldEogToken: true};
    for await (const {token, probabilities} of context.getSequence().evaluateWithMetadata(JSON.parse(prompt), {probabilities: true}, options)) {
        produced.push([token, probabilities.get(token)]);
        if (produced.length === Number(count))
            break;
    }
    await model.dispose();
    return produced;
}

const result = {};
for (const path of paths)
    result[path] = await generate(path);
console.log(JSON.stringify(result));
