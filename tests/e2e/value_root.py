"""convert --value-root: the root of the numbers, computed while they come by, in events and lineage."""
import json
import os

import program
import record_file
from record_file import dependencies, of_type, read_log

ROOT = "weightValueRootV1"


def roots(path):
    """Of the last event of a record: of what it read, and of what it made; None where there is none."""
    event = of_type(read_log(record_file.part(path, "log")), "provenance")[-1][1]
    used, = dependencies(event, "weights")
    return used["digest"].get(ROOT), event["subject"][0]["digest"].get(ROOT)


class ValueRoot(program.Case):
    def identity(self, path):
        return self.must_json("id", path, "--json")

    def check(self, source, target, *options):
        """Converts; what the record says is what `id` finds in both. Returns the roots, and what was said."""
        done = self.must("convert", source, target, "--value-root", "--allow-loss", *options)
        read, made = roots(target.rstrip("/"))
        self.assertEqual(read, self.identity(source)[ROOT])
        if made is not None:
            self.assertEqual(made, self.identity(target.rstrip("/"))[ROOT])
        report = self.must_json("verify", target.rstrip("/"), "--source", source, "--json")
        self.assertEqual(report["mismatches"], [])
        self.assertEqual([note for note in report["notes"] if "value root" in note], [])
        return read, made, done.err

    def test_families(self):
        """of every family, into wider numbers and back, the record has the root that `id` computes from the files"""
        known = kept = 0
        names = sorted({entry["hf_classes"][0] for entry in self.must_json("architectures", "--json")["architectures"]})
        if program.IS_SANITIZED:
            names = names[::8]
        for name in names:
            with self.subTest(family=name):
                source, wide, back = program.checkpoint(name, self.path(name)), self.path(name + ".gguf"), self.path(name + "-back/")
                read, made, said = self.check(source, wide, "--quantize", "F32")
                self.assertEqual("has no value root" in said, read is None, said)
                if read is not None:
                    known += 1
                    self.assertEqual("not one of the output" in said, made is None, said)
                if made is not None:
                    kept += 1
                    self.assertEqual(made, read)
                    self.assertEqual(self.check(wide, back, "--quantize", "F32")[:2], (made, made))
        self.assertGreater(known, len(names) * 2 // 3)
        self.assertGreater(kept, len(names) // 2)

    def test_what_is_said(self):
        """numbers that are rounded, and blocks: the source's root stays, the output has none; without the option there is none"""
        for recipe, says in (("F16", "does not hold every bf16"), ("Q4_K_M", "")):
            read, made, said = self.check(program.LICENCE_LM, self.path(recipe + ".gguf"), "--quantize", recipe)
            self.assertIsNotNone(read)
            self.assertIsNone(made)
            self.assertEqual("value root" in said, bool(says))
            self.assertIn(says, said)
        self.must("convert", program.LICENCE_LM, self.path("none.gguf"))
        self.assertEqual(roots(self.path("none.gguf")), (None, None))
        done = self.must("convert", self.path("Q4_K_M.gguf"), self.path("again.gguf"), "--value-root")
        self.assertIn("no canonical form", done.err)
        self.assertIn("--provenance none", self.must("convert", program.LICENCE_LM, self.path("x.gguf"), "--value-root", "--provenance", "none", code=2).err)

    def test_reproducible(self):
        """the same bytes for any number of threads and any memory, embedded and beside"""
        source = program.checkpoint("LlamaForCausalLM", self.path("hf"))
        texts = set()
        for i, options in enumerate((("--threads", "1"), ("--threads", "3"), ("--threads", "2", "--memory", "4MiB"))):
            os.mkdir(self.path(str(i)))
            path = self.path(str(i), "model.gguf")
            self.check(source, path, "--quantize", "BF16", *options)
            texts.add(program.sha256_of(path))
        self.assertEqual(len(texts), 1)

    def test_lineage(self):
        """first contact names the numbers, too"""
        self.check(program.LICENCE_LM, self.path("m.gguf"), "--quantize", "Q8_0")
        statement = of_type(read_log(record_file.part(self.path("m.gguf"), "log")), "lineage")[0][1]
        self.assertEqual(statement["subject"][0]["digest"][ROOT], self.identity(program.LICENCE_LM)[ROOT])

    def test_a_false_root(self):
        """an event whose value root alone is false is found and named, of what was made and of what was read"""
        path = self.path("m.gguf")
        self.check(program.LICENCE_LM, path, "--quantize", "F32", "--provenance", "beside")
        log, root = record_file.part(path, "log"), roots(path)[0]
        whole = program.bytes_of(log)

        def falsify(statement):
            if "slsa" in statement["predicateType"]:
                statement[place] = json.loads(json.dumps(statement[place]).replace(root, "0" * 64))
        for place, says in (("subject", "that is not that of these weights"), ("predicate", "that is not that of its weights")):
            self.write("m.gguf.intoto.jsonl", whole)
            record_file.forge(log, falsify)
            report = self.must_json("verify", path, "--source", program.LICENCE_LM, "--json", code=1)
            mismatch, = report["mismatches"]
            self.assertEqual(mismatch["part"], "event")
            self.assertIn(says, mismatch["text"])


program.main()
