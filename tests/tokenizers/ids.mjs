// Token ids of texts by llama.cpp (node-llama-cpp) on GGUF files and by Hugging Face's tokenizers in JavaScript
// (@huggingface/tokenizers) on Hugging Face files, neither of which is ours. Special tokens in a text count as such;
// none is added.
//
//   node ids.mjs NPM_DIR CASES.json
//
// CASES.json: [{name, gguf, folders: {files: folder}, texts: {text: ...}}]; a folder without tokenizer.json is passed over.
// Prints [{name, files, text, difference}], with "" for the same ids. Exit 2: could not.
import {existsSync, readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, casesPath] = process.argv.slice(2);
if (casesPath === undefined) {
    console.error("usage: node ids.mjs NPM_DIR CASES.json");
    process.exit(2);
}

const load = (path) => import(pathToFileURL(join(resolve(npmDir), "node_modules", path)).href);
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

// The first place where two lists of ids part.
function difference(found, expected, textOf) {
    let at = 0;
    while (at < found.length && found[at] === expected[at])
        ++at;
    if (at === found.length && at === expected.length)
        return "";
    const show = (ids) => ids.slice(at, at + 6).map((id) => `${id} ${JSON.stringify(textOf(id))}`).join(", ");
    return `at ${at} of ${expected.length}: [${show(found)}], Hugging Face has [${show(expected)}]`;
}

async function compare(llama, Tokenizer, entry) {
    const model = await llama.loadModel({modelPath: resolve(entry.gguf), vocabOnly: true, ignoreMemorySafetyChecks: true});
    const results = [];
    for (const [files, folder] of Object.entries(entry.folders)) {
        if (!existsSync(join(folder, "tokenizer.json")))
            continue;
        const tokenizer = new Tokenizer(readJson(join(folder, "tokenizer.json")), readJson(join(folder, "tokenizer_config.json")));
        for (const [name, text] of Object.entries(entry.texts)) {
            const found = Array.from(model._model.tokenize(text, true));
            const expected = tokenizer.encode(text, {add_special_tokens: false}).ids;
            const textOf = (id) => tokenizer.decode([id], {skip_special_tokens: false});
            results.push({name: entry.name, files, text: name, difference: difference(found, expected, textOf)});
        }
    }
    await model.dispose();
    return results;
}

try {
    const {getLlama, LlamaLogLevel} = await load("node-llama-cpp/dist/index.js");
    const {Tokenizer} = await load("@huggingface/tokenizers/dist/tokenizers.mjs");
    const llama = await getLlama({build: "never", gpu: false, logLevel: LlamaLogLevel.error});
    const results = [];
    for (const entry of readJson(casesPath))
        results.push(...await compare(llama, Tokenizer, entry));
    console.log(JSON.stringify(results));
} catch (error) {
    console.error(`could not: ${error.stack}`);
    process.exitCode = 2;
}
