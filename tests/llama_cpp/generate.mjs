// Loads a GGUF with llama.cpp (the npm package node-llama-cpp), tokenizes a prompt, generates greedily and compares
// both with a reference that another implementation computed.
//
//   node generate.mjs NPM_DIR MODEL.gguf REFERENCE.json [--first N]
//
// NPM_DIR holds node_modules. REFERENCE.json has prompt, prompt_ids, greedy_ids and greedy_text. --first N asks less, for
// weights that are not the reference's: the first N greedy tokens are the same, a second context generates the same ones
// again, and the probabilities of every token are numbers that add up to one.
// Exit 0: as asked. 1: other tokens. 2: the model could not be loaded or run.
import {readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, modelPath, referencePath, option, first] = process.argv.slice(2);
if (referencePath === undefined || (option !== undefined && (option !== "--first" || !(Number(first) >= 0)))) {
    console.error("usage: node generate.mjs NPM_DIR MODEL.gguf REFERENCE.json [--first N]");
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

async function generateWithProbabilities(model, prompt, count) {
    const context = await model.createContext({contextSize: 256, threads: 1});
    const produced = [], sums = [];
    const options = {temperature: 0, yieldEogToken: true};
    for await (const {token, probabilities} of context.getSequence().evaluateWithMetadata(prompt, {probabilities: true}, options)) {
        produced.push(token);
        sums.push([...probabilities.values()].reduce((sum, value) => sum + value, 0));
        if (produced.length === count)
            break;
    }
    await context.dispose();
    return [produced, sums];
}

function same(what, found, expected) {
    const isEqual = JSON.stringify(found) === JSON.stringify(expected);
    console.log(`${isEqual ? "same" : "DIFFERENT"}: ${what}: ${JSON.stringify(found)}`);
    if (!isEqual)
        console.log(`     expected: ${JSON.stringify(expected)}`);
    return isEqual;
}

async function compareAll(model, reference) {
    const produced = await generate(model, reference.prompt_ids, reference.greedy_ids.length);
    return [
        same(`${reference.greedy_ids.length} greedy token ids`, produced, reference.greedy_ids),
        same("text of the greedy tokens", model.detokenize(produced, true), reference.greedy_text)
    ];
}

async function compareFirst(model, reference, count) {
    const length = reference.greedy_ids.length;
    const [produced, sums] = await generateWithProbabilities(model, reference.prompt_ids, length);
    const again = await generate(model, reference.prompt_ids, length);
    return [
        same(`first ${count} greedy token ids`, produced.slice(0, count), reference.greedy_ids.slice(0, count)),
        same(`${length} greedy token ids, a second time`, again, produced),
        same("tokens without sound probabilities", sums.filter((sum) => !(Math.abs(sum - 1) < 1e-3)), [])
    ];
}

async function main() {
    const reference = JSON.parse(readFileSync(referencePath, "utf8"));
    const model = await load();
    const tokens = [...model.tokenize(reference.prompt)];
    const verdicts = [same("token ids of the prompt", tokens, reference.prompt_ids)];
    if (option === undefined)
        verdicts.push(...await compareAll(model, reference));
    else
        verdicts.push(...await compareFirst(model, reference, Number(first)));
    await model.dispose();
    return verdicts.every(Boolean) ? 0 : 1;
}

try {
    process.exitCode = await main();
} catch (error) {
    console.error(`could not run ${modelPath}: ${error.message}`);
    process.exitCode = 2;
}
