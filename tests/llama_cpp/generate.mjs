// Loads a GGUF with llama.cpp (the npm package node-llama-cpp), tokenizes a prompt, generates greedily and compares
// both with a reference that another implementation computed.
//
//   node generate.mjs NPM_DIR MODEL.gguf REFERENCE.json
//
// NPM_DIR holds node_modules. REFERENCE.json has prompt, prompt_ids, greedy_ids and greedy_text.
// Exit 0: same tokens. 1: other tokens. 2: the model could not be loaded or run.
import {readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, modelPath, referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
    console.error("usage: node generate.mjs NPM_DIR MODEL.gguf REFERENCE.json");
    process.exit(2);
}

async function load() {
    const entry = join(resolve(npmDir), "node_modules/node-llama-cpp/dist/index.js");
    const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry).href);
    const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error});
    return await llama.loadModel({modelPath: resolve(modelPath), checkTensors: true});
}

async function generate(model, prompt, count) {
    const context = await model.createContext({contextSize: 256, threads: 1});
    const produced = [];
    for await (const token of context.getSequence().evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
        produced.push(token);
        if (produced.length === count)
            break;
    }
    await context.dispose();
    return produced;
}

function same(what, found, expected) {
    const isEqual = JSON.stringify(found) === JSON.stringify(expected);
    console.log(`${isEqual ? "same" : "DIFFERENT"}: ${what}: ${JSON.stringify(found)}`);
    if (!isEqual)
        console.log(`     expected: ${JSON.stringify(expected)}`);
    return isEqual;
}

async function main() {
    const reference = JSON.parse(readFileSync(referencePath, "utf8"));
    const model = await load();
    const tokens = [...model.tokenize(reference.prompt)];
    const produced = await generate(model, reference.prompt_ids, reference.greedy_ids.length);
    const verdicts = [
        same("token ids of the prompt", tokens, reference.prompt_ids),
        same(`${reference.greedy_ids.length} greedy token ids`, produced, reference.greedy_ids),
        same("text of the greedy tokens", model.detokenize(produced, true), reference.greedy_text)
    ];
    await model.dispose();
    return verdicts.every(Boolean) ? 0 : 1;
}

try {
    process.exitCode = await main();
} catch (error) {
    console.error(`could not run ${modelPath}: ${error.message}`);
    process.exitCode = 2;
}
