"""heirloom adopt: what an adopted record says of where the weights came from."""
import base64
import json
import os
import shutil

import program
import safetensors_file


def statements(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in file]


class AdoptedOrigin(program.Case):
    def setUp(self):
        super().setUp()
        self.must("convert", program.LICENCE_LM, self.path("first/"), "--quantize", "f16")
        self.must("convert", self.path("first"), self.path("d/"), "--value-root")
        os.mkdir(self.path("bare"))
        self.bare = self.path("bare", "model.safetensors")
        self.tensors, _ = safetensors_file.read_file(self.path("d", "model.safetensors"))
        self.write_bare(self.tensors)
        self.log = self.path("d", "provenance.intoto.jsonl")

    def write_bare(self, tensors):
        with open(self.bare, "wb") as file:
            file.write(safetensors_file.file_bytes(tensors))

    def check_origin(self):
        text = self.must("provenance", self.bare).out
        for part in ("licence-lm-2m", "adopt", "convert", "apache-2.0"):
            self.assertIn(part, text)
        graph = self.must_json("provenance", self.bare, "--json")
        weights = [entity for entity in graph["entities"] if entity["kind"] == "weights"]
        self.assertEqual(len(weights), 3, weights)
        made = self.must_json("export", self.bare, "--format", "cyclonedx-1.6")
        ancestors = made["metadata"]["component"]["pedigree"]["ancestors"]
        self.assertIn("licence-lm-2m", ancestors[1]["name"], ancestors)
        self.assertEqual(self.must_json("verify", self.bare, "--json")["mismatches"], [])

    def test_same_bytes(self):
        """the origin of the weights is what it was before they were adopted, and the log says when that was"""
        self.must("adopt", self.bare, "--log", self.log)
        self.check_origin()
        made = statements(self.bare + ".intoto.jsonl")
        adopted = [at for at, one in enumerate(made) if one["predicate"].get("buildDefinition", {}).get("buildType", "").endswith("adopt/v1")]
        self.assertEqual(len(adopted), 1)
        self.assertTrue(made[adopted[0] + 1]["predicateType"].endswith("run/v1"))
        read = made[adopted[0]]["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]
        before = [one for one in made[:adopted[0]] if "buildDefinition" in one["predicate"]][-1]["subject"][0]["digest"]
        self.assertEqual(read, before)

    def test_same_numbers(self):
        """nor does it get lost where the same numbers have other bytes; their receipts are left out, and that is said"""
        import numpy as np
        self.write_bare({name: safetensors_file.Tensor("F32", tensor.shape, np.frombuffer(tensor.data, "<f2").astype("<f4").tobytes())
                         if tensor.dtype == "F16" else tensor for name, tensor in self.tensors.items()})
        shutil.copy(self.path("d", "config.json"), self.path("bare"))
        self.bare = self.path("bare")
        said = self.must("adopt", self.bare, "--log", self.log).err
        self.assertIn("receipts beside the log are left out", said)
        self.check_origin()

    def test_parts_that_do_not_match(self):
        """receipts or a ledger that the log does not name, and parts that are not there, are told"""
        with open(self.path("d", "tensor-receipts.jsonl"), "ab") as file:
            file.write(b"\n")
        os.remove(self.path("d", "metadata-ledger.json"))
        said = self.must("adopt", self.bare, "--log", self.log).err
        self.assertIn("not the file that the log names", said)
        self.assertIn("metadata-ledger.json", said)
        self.must_not_exist(self.bare + ".tensor-receipts.jsonl")
        shutil.copy(self.log, self.path("other.log"))
        self.assertIn("does not say what it lies beside", self.must("adopt", self.bare, "--log", self.path("other.log"), "--force").err)


program.main()
