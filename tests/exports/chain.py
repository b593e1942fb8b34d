"""What `provenance` and `export` tell of real conversions: one step, two steps, other people's files, and files that were changed."""
import json
import os

import exports_case
import gguf_file
import program
from exports_case import text, texts


class Chain(exports_case.ExportsCase):
    def two_steps(self):
        half, small = self.path("half.gguf"), self.path("small.gguf")
        self.must("convert", program.LICENCE_LM, half, "--quantize", "F16", "--allow-loss")
        self.must("convert", half, small, "--quantize", "Q8_0", "--allow-loss")
        return half, small

    def kinds(self, graph):
        return [activity["kind"] for activity in graph["activities"]]

    def test_two_steps(self):
        """a GGUF that was converted and then quantized tells both steps, oldest first, and where its licence stands"""
        _, small = self.two_steps()
        graph = self.must_json("provenance", small, "--json")
        self.assertEqual(self.kinds(graph), ["convert", "quantize"])
        self.assertEqual(graph["problems"], [])
        self.assertTrue(all(activity["finishedOn"] for activity in graph["activities"]))
        claims = [claim for entity in graph["entities"] for claim in entity.get("claims", []) if claim["field"] == "license"]
        self.assertIn({"field": "license", "value": "apache-2.0", "status": "declared", "from": "README.md#/license"}, claims)
        words = self.must("provenance", small).out
        self.assertIn("recipe Q8_0", words)
        self.assertIn("README.md#/license", words)

    def test_pedigree(self):
        """the bill of materials of two steps has two ancestors, the nearest first, and two workflows"""
        _, small = self.two_steps()
        bom = json.loads(self.must("export", small, "--format", "cyclonedx-1.7").out)
        self.assertEqual([a["name"] for a in bom["metadata"]["component"]["pedigree"]["ancestors"]], ["half.gguf", "licence-lm-2m"])
        self.assertEqual([w["name"] for w in bom["formulation"][0]["workflows"]], ["convert", "quantize"])
        self.assertNotIn("hashes", bom["metadata"]["component"])
        hashed = json.loads(self.must("export", small, "--format", "cyclonedx-1.7", "--hash-files").out)
        self.assertEqual(hashed["metadata"]["component"]["hashes"], [{"alg": "SHA-256", "content": program.sha256_of(small)}])

    def test_judged(self):
        """the exports of real conversions satisfy the judges, too"""
        _, small = self.two_steps()
        folder = self.path("folder")
        self.must("convert", program.LICENCE_LM, folder, "--to", "safetensors", "--max-shard-size", "1MiB")
        for format in exports_case.FORMATS:
            files = [self.export(path, format, name + format) for path, name in ((small, "small"), (folder, "folder"))]
            if format != "spdx-3.0.1":
                self.must_please(format, *files)
            elif os.path.isdir(exports_case.SPDX_SCHEMAS):
                self.must_please("spdx-schema", *files)
                self.must_please("spdx-shapes", *files)
            else:
                print(f"4 checks are left out: no official SPDX schemas in {exports_case.SPDX_SCHEMAS}")

    def test_changed(self):
        """a file whose keys were changed by another program is not what the record says, and is said to be that"""
        half, small = self.two_steps()
        data = program.bytes_of(small)
        changed = self.write("changed.gguf", data.replace(b"text-generation", b"text-generatiom", 1))
        os.rename(small + ".intoto.jsonl", changed + ".intoto.jsonl")
        done = self.must("provenance", changed, code=1)
        self.assertIn("was changed since", done.out)
        refused = self.must("export", changed, "--format", "slsa", code=2)
        self.assertIn("was changed since its last event", refused.err)

    def test_theirs(self):
        """other people's files say what they declare, and that nothing proves it"""
        path = self.with_keys("theirs.gguf", text("general.license", "mit"), text("general.author", "Somebody"), texts("general.languages", ["en", "de"]),
                              gguf_file.attr("general.base_model.count", gguf_file.UINT32, 1),
                              text("general.base_model.0.repo_url", "https://huggingface.co/org/Base"))
        words = self.must("provenance", path).out
        for part in ("mit", "gguf:general.license", "en, de", "https://huggingface.co/org/Base", "Nothing proves it."):
            self.assertIn(part, words)
        bom = json.loads(self.must("export", path, "--format", "cyclonedx-1.6").out)
        self.assertEqual(bom["metadata"]["component"]["pedigree"]["ancestors"][0]["purl"], "pkg:huggingface/org/Base")
        refused = self.must("export", path, "--format", "slsa", code=2)
        self.assertIn("no record", refused.err)

    def test_hostile(self):
        """no control character and no turned text of a file gets to the terminal"""
        done = program.run("provenance", self.hostile())
        self.assertIn(done.code, (0, 1), done)
        self.assertNotRegex(done.out + done.err, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
        self.assertNotRegex(done.out, r"(?m)^# Heading")

    def test_wrong_use(self):
        """a format that is not known, an output that cannot be written and a path that is not there are errors that say so"""
        self.assertIn("cyclonedx-1.6", self.must("export", self.gguf, "--format", "cyclonedx", code=2).err)
        self.assertIn("/nowhere", self.must("export", self.gguf, "--format", "spdx-3.0.1", "--output", "/nowhere/x", code=2).err)
        self.must("provenance", self.path("nothing"), code=2)


if __name__ == "__main__":
    program.main()
