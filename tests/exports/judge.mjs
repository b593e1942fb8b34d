// Asks validators that others wrote about our exports. One verdict a line: "ok FILE" or "no FILE: why".
//
//   node judge.mjs NPM_DIR KIND [SCHEMA_DIR] FILE...
//
// KIND  cyclonedx-1.6, cyclonedx-1.7   the strict validator of @cyclonedx/cyclonedx-library
//       spdx-schema, spdx-shapes       official schema.json with ajv; official SHACL shapes with rdf-validate-shacl. SCHEMA_DIR holds
//                                      schema.json, spdx-context.jsonld and spdx-model.ttl
//       licences                       each line of the file with spdx-expression-validate
//       canonical                      each line of the file is what canonicalize makes of it
//       dot                            Graphviz (@viz-js/viz) draws it
// Exit 0: all ok. 1: not all. 2: could not ask.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [npmDir, kind, ...rest] = process.argv.slice(2);
const require = createRequire(join(resolve(npmDir), "package.json"));
// Packages that are ES modules alone: the entry that their package.json names.
async function load(name) {
    const folder = join(resolve(npmDir), "node_modules", name);
    const {exports, main} = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const root = exports?.["."] ?? exports;
    const entry = typeof root === "string" ? root : root?.import?.default ?? root?.import ?? root?.default ?? main ?? "index.js";
    return await import(pathToFileURL(join(folder, entry)).href);
}
const lines = file => readFileSync(file, "utf8").split("\n").filter(line => line !== "");

async function cyclonedx(version) {
    const {Validation} = require("@cyclonedx/cyclonedx-library");
    const validator = new Validation.JsonStrictValidator(version);
    return async file => {
        const wrong = await validator.validate(readFileSync(file, "utf8"));
        return wrong === null ? "" : JSON.stringify(wrong);
    };
}

function spdxSchema(directory) {
    const Ajv = require("ajv/dist/2020").default;
    const ajv = new Ajv({strict: false, allErrors: false});
    require("ajv-formats").default(ajv);
    const validate = ajv.compile(JSON.parse(readFileSync(join(directory, "schema.json"), "utf8")));
    return async file => validate(JSON.parse(readFileSync(file, "utf8"))) ? "" : JSON.stringify(validate.errors.slice(-3));
}

async function spdxShapes(directory) {
    const jsonld = (await load("jsonld")).default;
    const {Parser, Store, DataFactory} = await load("n3");
    const {default: Validator} = await load("rdf-validate-shacl");
    const context = JSON.parse(readFileSync(join(directory, "spdx-context.jsonld"), "utf8"));
    const model = new Parser().parse(readFileSync(join(directory, "spdx-model.ttl"), "utf8"));
    // A shape stands for its class when the class is an rdfs:Class; that an owl:Class is one, the validator does not know.
    const rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", rdfs = "http://www.w3.org/2000/01/rdf-schema#";
    const isClass = quad => quad.predicate.value === rdf + "type" && quad.object.value === "http://www.w3.org/2002/07/owl#Class";
    for (const quad of model.filter(isClass))
        model.push(DataFactory.quad(quad.subject, quad.predicate, DataFactory.namedNode(rdfs + "Class")));
    // Of the model the data need what is of what kind.
    const kinds = model.filter(quad => quad.predicate.value === rdfs + "subClassOf" || quad.predicate.value === rdf + "type");
    const documentLoader = async url => {
        if (url !== "https://spdx.org/rdf/3.0.1/spdx-context.jsonld")
            throw new Error("asks for " + url);
        return {contextUrl: null, document: context, documentUrl: url};
    };
    return async file => {
        const quads = await jsonld.toRDF(JSON.parse(readFileSync(file, "utf8")), {documentLoader, format: "application/n-quads"});
        const data = new Store([...new Parser({format: "N-Quads"}).parse(quads), ...kinds]);
        const report = await new Validator(new Store(model)).validate(data);
        // The model's own individuals do not have all that its shapes ask of others'.
        const wrong = report.results.filter(result => !result.focusNode.value.startsWith("https://spdx.org/rdf/3.0.1/"));
        return wrong.slice(0, 3).map(
            result => `${result.focusNode?.value} ${result.path?.value}: ${result.message.map(message => message.value)}`).join("; ");
    };
}

function licences() {
    const isValid = require("spdx-expression-validate");
    return async file => lines(file).filter(line => !isValid(line)).join(" | ");
}

async function canonical() {
    const canonicalize = (await load("canonicalize")).default;
    return async file => lines(file).filter(line => canonicalize(JSON.parse(line)) !== line).join(" | ").slice(0, 500);
}

async function dot() {
    const viz = await (await load("@viz-js/viz")).instance();
    return async file => {
        const drawn = viz.render(readFileSync(file, "utf8"), {format: "svg"});
        return drawn.status === "success" && !drawn.errors.some(error => error.level === "error") ? "" : JSON.stringify(drawn.errors);
    };
}

const needsSchemas = kind?.startsWith("spdx-");
const files = needsSchemas ? rest.slice(1) : rest;
const judges = {
    "cyclonedx-1.6": () => cyclonedx("1.6"), "cyclonedx-1.7": () => cyclonedx("1.7"), "spdx-schema": () => spdxSchema(rest[0]),
    "spdx-shapes": () => spdxShapes(rest[0]), licences, canonical, dot,
};
if (!(kind in judges) || files.length === 0) {
    console.error("usage: node judge.mjs NPM_DIR KIND [SCHEMA_DIR] FILE...");
    process.exit(2);
}
try {
    const judge = await judges[kind]();
    for (const file of files) {
        const wrong = await judge(file);
        console.log(wrong === "" ? `ok ${file}` : `no ${file}: ${wrong}`);
        if (wrong !== "")
            process.exitCode = 1;
    }
} catch (error) {
    console.error(error);
    process.exitCode = 2;
}
