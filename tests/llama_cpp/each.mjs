// Loads GGUF files one after the other with llama.cpp (the npm package node-llama-cpp) and generates a few tokens of each,
// twice. One line for each file: "runs PATH", or "fails PATH: why".
//
//   node each.mjs NPM_DIR MODEL.gguf...
//
// A file runs when both times give the same greedy tokens and the probabilities of every token add up to one; of a model of
// sentences, the same embedding.
// Exit 0: all run. 1: one does not.
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, ...paths] = process.argv.slice(2);
const entry = join(resolve(npmDir), "node_modules/node-llama-cpp/dist/index.js");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry).href);
const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error});
const prompt = [5, 17, 9, 30], length = 6;

async function generate(model) {
    const context = await model.createContext({contextSize: 64, threads: 1});
    const produced = [];
    const options = {temperature: 0, yieldEogToken: true};
    for await (const {token, probabilities} of context.getSequence().evaluateWithMetadata(prompt, {probabilities: true}, options)) {
        const sum = [...probabilities.values()].reduce((total, value) => total + value, 0);
        if (!(Math.abs(sum - 1) < 1e-3))
            throw new Error(`the probabilities of token ${produced.length + 1} add up to ${sum}`);
        produced.push(token);
        if (produced.length === length)
            break;
    }
    await context.dispose();
    return JSON.stringify(produced);
}

// A model of sentences has no next token: its numbers.
async function embed(model) {
    const context = await model.createEmbeddingContext({contextSize: 64, threads: 1});
    const {vector} = await context.getEmbeddingFor("the quick fox");
    await context.dispose();
    if (vector.length === 0 || !vector.every(Number.isFinite))
        throw new Error("an embedding that is not made of finite numbers");
    return JSON.stringify(vector);
}

async function run(path) {
    const model = await llama.loadModel({modelPath: resolve(path), checkTensors: true});
    const produce = model.fileInfo.metadata.general.architecture === "bert" ? embed : generate;
    const first = await produce(model), second = await produce(model);
    await model.dispose();
    if (first !== second)
        throw new Error(`tokens ${first}, and then ${second}`);
}

process.exitCode = 0;
for (const path of paths) {
    try {
        await run(path);
        console.log(`runs ${path}`);
    } catch (error) {
        console.log(`fails ${path}: ${error.message}`);
        process.exitCode = 1;
    }
}
