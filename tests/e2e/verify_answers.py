"""heirloom verify answers what it was asked: whether a source is the one, whether every tensor is made again, whether a level is reached."""
import base64
import json
import os
import shutil

import program
import record_file

REVISION = "0123456789" * 4


class Answers(program.Case):
    def setUp(self):
        super().setUp()
        self.key, self.trust = self.path("k"), self.path("t.json")
        self.must("keygen", self.key)
        self.must("trust", self.trust, "--key", self.key + ".pub", "--name", "me")

    def convert(self, name, *options):
        self.must("convert", program.LICENCE_LM, self.path(name), *options)
        return self.path(name)

    def verify(self, path, *options, code=0):
        return self.must_json("verify", path, "--json", *options, code=code)

    def signed(self, path):
        self.must("sign", path, "--events", "--key", self.key)
        return path

    def test_literals(self):
        """receipts that hold altered weights themselves reproduce nothing"""
        path = self.convert("m.gguf", "--provenance", "beside", "--source-repository", "https://example.org/m", "--source-revision", REVISION)
        with open(path, "r+b") as file:
            file.seek(-2000, os.SEEK_END)
            file.write(b"\1" * 2000)
        weights = record_file.Weights(path)
        lines = []
        for name, (encoding, shape, data) in weights.tensors.items():
            out = {"digest": weights.digest(name).hex(), "encoding": encoding, "name": name, "raw": weights.raw(name).hex(), "shape": list(shape)}
            lines.append(json.dumps({"in": [], "ops": [{"base64": base64.b64encode(data).decode(), "op": "literal@1"}], "out": out},
                                    sort_keys=True, separators=(",", ":")) + "\n")
        self.write("m.gguf.tensor-receipts.jsonl", "".join(lines).encode())

        def fit(statement):
            if "slsa" in statement["predicateType"]:
                statement["subject"][0]["digest"]["weightStoredRootV1"] = weights.stored_root()
                for product in statement["predicate"]["runDetails"]["byproducts"]:
                    if product["name"] == "tensor-receipts.jsonl":
                        product["digest"]["sha256"] = program.sha256_of(path + ".tensor-receipts.jsonl")
        record_file.forge(record_file.part(path, "log"), fit)
        report = self.verify(self.signed(path), "--source", program.LICENCE_LM, "--reproduce", "--trust", self.trust, code=1)
        self.assertEqual((report["mismatches"], report["level"]), ([], "P4"), report)
        self.assertEqual({row["verdict"] for row in report["replayed"]}, {"not possible"})
        self.assertEqual(len(report["not_shown"]), len(weights.tensors))

    def test_computed_tensors(self):
        """a tensor that the family's map computes, as frequencies of Llama 3.1, is reproduced"""
        source = program.checkpoint("LlamaForCausalLM.rope3", self.path("hf"))
        self.must("convert", source, self.path("m.gguf"))
        report = self.verify(self.path("m.gguf"), "--source", source, "--reproduce")
        self.assertIn("rope_freqs.weight", [row["name"] for row in report["replayed"]])
        self.assertEqual({row["verdict"] for row in report["replayed"]}, {"same"})

    def test_lineage_that_nothing_names(self):
        """a line that was appended raises no level and gives no licence"""
        path = self.signed(self.convert("m.gguf"))
        log = record_file.part(path, "log")
        statement = record_file.of_type(record_file.read_log(log), "lineage")[0][1]
        options = ("--trust", self.trust, "--source", program.LICENCE_LM, "--reproduce")
        before = self.verify(path, *options)
        self.assertEqual(before["level"], "P3")
        statement["predicate"]["claims"] = [{"field": "revision", "value": "e" * 40, "status": "observed", "from": "x"},
                                            {"field": "license", "value": "mit", "status": "observed", "from": "x"}]
        with open(log, "ab") as file:
            file.write(record_file.envelope(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()))
        after = self.verify(path, *options)
        self.assertEqual(after["level"], "P3")
        self.assertIn("line 4 of the log is named by nothing", "".join(after["notes"]))
        for command in (("provenance", path), ("export", path, "--format", "cyclonedx-1.7")):
            self.assertNotIn("e" * 40, self.must(*command).out)
        self.assertNotIn("observed", self.must("provenance", path).out)

    def test_required_level_of_another_step(self):
        """a low level that is required does not make a last step good that nobody recorded"""
        path = self.convert("m.gguf")
        with open(path, "r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(b"\1" * 50)
        os.remove(path + ".tensor-receipts.jsonl")
        for options in ((), ("--require", "P1"), ("--require", "P0")):
            self.assertTrue(self.verify(path, *options, code=1)["is_last_step_unrecorded"])

    def test_annotated(self):
        """what annotate says of weights does not hide how they were made: at the end and between two conversions"""
        first = self.convert("a.gguf", "--source-repository", "https://example.org/m", "--source-revision", REVISION)
        self.must("annotate", first, "--set", "general.version=2")
        report = self.verify(first, "--source", program.LICENCE_LM, "--reproduce")
        self.assertEqual(({row["verdict"] for row in report["replayed"]}, len(report["replayed"])), ({"same"}, 25))
        second = self.path("b.gguf")
        self.must("convert", first, second, "--quantize", "Q8_0")
        self.must("annotate", second, "--set", "general.version=3")
        report = self.verify(second, "--source", first, "--source", program.LICENCE_LM, "--reproduce")
        self.assertEqual((len(report["replayed"]), report["not_shown"]), (50, []))
        self.assertEqual({row["verdict"] for row in report["replayed"]}, {"same"})
        report = self.verify(self.signed(second), "--source", first, "--source", program.LICENCE_LM, "--reproduce", "--trust", self.trust)
        self.assertEqual(report["level"], "P5", report["why_not_next"])

    def test_annotated_without_a_record(self):
        """a file whose only event is an annotation is held against the source tensor by tensor"""
        path = self.convert("m.gguf", "--provenance", "none", "--quantize", "Q4_K_M")
        self.must("annotate", path, "--set", "general.version=2")
        self.assertTrue(self.verify(path, "--source", program.LICENCE_LM)["foreign"]["is_exact"])
        other = self.path("other")
        shutil.copytree(program.LICENCE_LM, other)
        with open(os.path.join(other, "model.safetensors"), "r+b") as file:
            file.seek(-3000, os.SEEK_END)
            file.write(b"\1" * 3000)
        self.assertFalse(self.verify(path, "--source", other, "--reproduce", code=1)["foreign"]["is_exact"])

    def test_a_changed_side_file_of_the_source(self):
        """a source with the same weights and another configuration is not what was read"""
        path = self.convert("m.gguf")
        other = self.path("other")
        shutil.copytree(program.LICENCE_LM, other)
        with open(os.path.join(other, "generation_config.json"), "ab") as file:
            file.write(b"\n")
        self.assertEqual(self.verify(path, "--source", other, code=1)["not_shown"], ["the source's \"generation_config.json\" is not the one that was read"])


program.main()
