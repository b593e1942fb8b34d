// Verifies a bundle's signature with Sigstore's own library, given the public key: exit 0, or 1 with the reason.
//
//   node verify_bundle.mjs NPM_DIR BUNDLE.json PUBLIC_KEY.pem
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [npmDir, bundlePath, keyPath] = process.argv.slice(2);
const require = createRequire(join(resolve(npmDir), "package.json"));
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity } = require("@sigstore/verify");

const json = JSON.parse(readFileSync(bundlePath, "utf8"));
const hint = json.verificationMaterial.publicKey.hint;
const material = {
    certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
    publicKey: (wanted) => {
        if (wanted !== hint)
            throw new Error(`asked for the key ${wanted}`);
        return { publicKey: createPublicKey(readFileSync(keyPath)), validFor: () => true };
    },
};
try {
    const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0, tsaThreshold: 0 });
    const signer = verifier.verify(toSignedEntity(bundleFromJSON(json)));
    if (!signer.key)
        throw new Error("no key is named as the signer");
    console.log("valid");
} catch (error) {
    console.log(`${error.code ?? ""} ${error.message}`);
    process.exit(1);
}
