// Validates a bundle, its payload and the payload's predicate against the schemas of the specification: exit 0, or 1 with
// the errors.
//
//   node validate.mjs NPM_DIR SCHEMA_DIR BUNDLE.json...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [npmDir, schemaDir, ...bundles] = process.argv.slice(2);
const require = createRequire(join(resolve(npmDir), "package.json"));
const Ajv = require("ajv/dist/2020").default;

const ajv = new Ajv({ strict: false });
for (const name of ["predicate", "statement", "envelope", "bundle"])
    ajv.addSchema(JSON.parse(readFileSync(join(schemaDir, `${name}.schema.json`), "utf8")));
let failed = false;
const check = (name, what, value) => {
    const validate = ajv.getSchema(`https://model_signing/${what}/v1.0/schema`);
    if (!validate(value)) {
        console.log(`${name}: ${what}: ${ajv.errorsText(validate.errors)}`);
        failed = true;
    }
};
for (const path of bundles) {
    const bundle = JSON.parse(readFileSync(path, "utf8"));
    check(path, "bundle", bundle);
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8"));
    check(path, "statement", statement);
    check(path, "predicate", statement.predicate);
}
process.exit(failed ? 1 : 0);
