"""Files that the user names and that change bytes are in the record, and are not taken for files of the source."""
import json
import os
import subprocess
import sys

import imatrix_file
import native_checkpoints
import program
import record_file
from record_file import dependencies, of_type, read_log

EXAMPLE = os.path.join(program.SOURCE, "examples/custom_arch")
MAP = os.path.join(EXAMPLE, "lantern.json")
SAID = ("--source-repository", "https://example.org/some/model", "--source-revision", "0123456789abcdef0123456789abcdef01234567")

CARD = b"---\nlicense: apache-2.0\nbase_model: some/model\n---\n"


class FilesGiven(program.Case):
    def statements(self, path, kind):
        return [line[1] for line in of_type(read_log(record_file.part(path, "log")), kind)]

    def given(self, path):
        """{(role, option, name): sha256} of what the event says was given."""
        event, = self.statements(path, "provenance")
        return {(d["annotations"]["role"], d["annotations"]["option"], d["name"]): d["digest"]["sha256"]
                for d in event["predicate"]["buildDefinition"]["resolvedDependencies"] if "option" in d["annotations"]}

    def reproduced(self, path, *arguments):
        """Signs the events, and asks for the highest level, which wants every file of the source."""
        self.must("keygen", self.path("key"))
        self.must("trust", self.path("trust.json"), "--key", self.path("key.pub"), "--name", "us")
        self.must("sign", path, "--events", "--key", self.path("key"))
        return self.must_json("verify", path, "--json", "--trust", self.path("trust.json"), "--reproduce", *arguments)

    def test_tokenizer_recipe_and_matrix(self):
        """--tokenizer, a recipe file and --imatrix: each file by role, option and digest; lineage does not have them; P5 all the same"""
        native_checkpoints.write_olmo_core(program.LICENCE_LM, self.path("step7"), 2)
        self.write("step7/README.md", CARD)
        recipe = self.write("mine.json", json.dumps({"recipes": [{"name": "mine", "title": "t", "base": "Q4_K_M"}]}).encode())
        matrix = self.write("m.gguf", imatrix_file.gguf_bytes(imatrix_file.random_entries({"blk.0.ffn_down.weight": (512, 256)})))
        path = self.path("o.gguf")
        self.must("convert", self.path("step7"), path, "--tokenizer", program.LICENCE_LM, "--quantize", recipe, "--imatrix", matrix, *SAID)
        given = self.given(path)
        tokenizer = {name for role, option, name in given if (role, option) == ("tokenizer", "tokenizer")}
        self.assertLessEqual({"tokenizer.json", "tokenizer_config.json"}, tokenizer)
        wanted = {("tokenizer", "tokenizer", name): program.sha256_of(os.path.join(program.LICENCE_LM, name)) for name in tokenizer}
        wanted["recipe", "quantize", "mine.json"] = program.sha256_of(recipe)
        wanted["importance-matrix", "imatrix", "m.gguf"] = program.sha256_of(matrix)
        self.assertEqual(given, wanted)
        lineage, = self.statements(path, "lineage")
        self.assertFalse({subject["name"] for subject in lineage["subject"]} & {*tokenizer, "mine.json", "m.gguf"})
        report = self.reproduced(path, "--source", self.path("step7"), "--imatrix", matrix)
        self.assertEqual((report["level"], report["mismatches"]), ("P5", []), report)
        text = self.must("provenance", path).out
        self.assertIn("tokenizer.json of --tokenizer", text)
        self.assertIn("mine.json of --quantize", text)

    def test_a_file_of_the_source_with_the_same_name(self):
        """the tokenizer that the source has is named beside the one that took its place; the source's own is still asked for"""
        other = self.path("other")
        os.mkdir(other)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            self.write("other/" + name, program.bytes_of(os.path.join(program.LICENCE_LM, name)) + b"\n")
        path = self.path("o.gguf")
        self.must("convert", program.LICENCE_LM, path, "--tokenizer", other, *SAID)
        self.assertEqual(self.given(path)["tokenizer", "tokenizer", "tokenizer.json"], program.sha256_of(self.path("other", "tokenizer.json")))
        event, = self.statements(path, "provenance")
        digests = {d["digest"]["sha256"] for d in dependencies(event, "tokenizer") if d["name"] == "tokenizer.json"}
        self.assertEqual(digests, {program.sha256_of(os.path.join(folder, "tokenizer.json")) for folder in (other, program.LICENCE_LM)})
        self.assertEqual(self.reproduced(path, "--source", program.LICENCE_LM)["level"], "P5")

    def test_map(self):
        """--arch-map: the map that was used, and no other"""
        source = self.path("lantern")
        subprocess.run([sys.executable, "-B", os.path.join(EXAMPLE, "make_model.py"), source], check=True)
        self.write("lantern/README.md", CARD)
        wanted = {("architecture-map", "arch-map", "lantern.json"): program.sha256_of(MAP)}
        self.must("convert", source, self.path("o.gguf"), "--arch-map", MAP, *SAID)
        self.assertEqual(self.given(self.path("o.gguf")), wanted)
        self.assertEqual(self.reproduced(self.path("o.gguf"), "--source", source)["level"], "P5")
        self.must("convert", program.LICENCE_LM, self.path("p.gguf"), "--arch-map", MAP)
        self.assertEqual(self.given(self.path("p.gguf")), {})


if __name__ == "__main__":
    program.main()
