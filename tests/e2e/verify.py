"""heirloom verify: a record against the checkpoint that it is of, and a checkpoint without one against its source."""
import json
import os
import shutil

import program
import record_file
import safetensors_file


def flip(path, at):
    """Changes one bit of the byte; a negative place counts from the end."""
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        place = file.tell()
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def replace(path, old, new):
    data = program.bytes_of(path)
    assert data.count(old) >= 1 and len(old) == len(new), (path, old)
    with open(path, "wb") as file:
        file.write(data.replace(old, new, 1))


class Verify(program.Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("m.gguf")
        self.must("convert", program.LICENCE_LM, self.model, "--quantize", "Q4_K_M")
        self.log = self.model + ".intoto.jsonl"

    def found(self, *arguments, code=1):
        report = self.must_json("verify", self.model, "--json", *arguments, code=code)
        return report, [(entry["part"], entry["name"]) for entry in report["mismatches"]]

    def test_intact(self):
        """what convert wrote is intact, says what it was made of, and why not the next level"""
        report, mismatches = self.found(code=0)
        self.assertEqual(mismatches, [])
        self.assertEqual(report["level"], "P2", report)
        self.assertIn("--trust", report["why_not_next"][0])
        text = self.must("verify", self.model).out
        for part in ("level: P2 intact", "why not P3 signed", "licence-lm-2m", "does not prove"):
            self.assertIn(part, text)
        self.must("verify", self.model, "--require", "P2")
        self.assertIn("P3 signed was required", self.must("verify", self.model, "--require", "P3", code=1).out)

    def test_tensor(self):
        """a changed byte of a tensor is found, and the tensor named"""
        flip(self.model, -50)
        report, mismatches = self.found()
        tensors = [name for part, name in mismatches if part == "tensor"]
        self.assertEqual(len(tensors), 1, mismatches)
        self.assertIn(("weights", ""), mismatches)
        self.assertEqual(report["level"], "P0")
        self.assertIn("NOT AS THE RECORD SAYS", self.must("verify", self.model, code=1).out)

    def test_key(self):
        """a changed key is found and named, also one of the record"""
        for old, new, name in ((b"licence", b"license", None), (b"heirloom.version\x04\0\0\0\1", b"heirloom.version\x04\0\0\0\2", "heirloom.version")):
            with self.subTest(key=name):
                kept = program.bytes_of(self.model)
                at = kept.find(old)
                self.assertGreater(at, 0)
                replace(self.model, old, new)
                _, mismatches = self.found()
                self.assertEqual([part for part, _ in mismatches], ["key"], mismatches)
                if name:
                    self.assertEqual(mismatches, [("key", name)])
                with open(self.model, "wb") as file:
                    file.write(kept)

    def test_record_files(self):
        """a changed byte of log, receipts or ledger is found, and the file or the line named"""
        for name, at, part in ((self.log, 100, "log"), (self.model + ".tensor-receipts.jsonl", 200, None),
                               (self.model + ".metadata-ledger.json", 100, None)):
            with self.subTest(file=name):
                kept = program.bytes_of(name)
                flip(name, at)
                report, mismatches = self.found()
                self.assertTrue(mismatches)
                self.assertIn("line 1" if part else os.path.basename(name), json.dumps(report["mismatches"]))
                with open(name, "wb") as file:
                    file.write(kept)
        self.found(code=0)

    def test_every_byte_of_an_event(self):
        """whichever letter of the event's line is changed, it is found"""
        kept = program.bytes_of(self.log)
        end = kept.index(b"\n")
        for at in range(0, end, max(1, end // 40)):
            with open(self.log, "wb") as file:
                file.write(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1:])
            _, mismatches = self.found()
            self.assertTrue({part for part, _ in mismatches} & {"log", "event", "key"}, f"byte {at}: {mismatches}")

    def test_directory(self):
        """a side file of a directory that was changed, taken away or added is named"""
        self.model = self.path("d")
        self.must("convert", program.LICENCE_LM, self.model + "/", "--quantize", "f16")
        report, mismatches = self.found(code=0)
        self.assertEqual((report["level"], mismatches), ("P2", []), report)
        flip(self.path("d", "config.json"), 30)
        os.remove(self.path("d", "tokenizer.json"))
        self.write("d/extra.txt", b"more")
        report, mismatches = self.found()
        self.assertEqual(sorted(mismatches), [("file", "config.json"), ("file", "tokenizer.json")])
        self.assertIn("extra.txt", json.dumps(report["notes"]))

    def test_reproduced(self):
        """every receipt is replayed from the source, bit for bit, or a sample of them"""
        report, mismatches = self.found("--source", program.LICENCE_LM, "--reproduce", code=0)
        self.assertEqual(mismatches, [])
        self.assertGreater(len(report["replayed"]), 20)
        self.assertEqual({row["verdict"] for row in report["replayed"]}, {"same"})
        report, _ = self.found("--source", program.LICENCE_LM, "--reproduce", "--sample", "3", "--threads", "1", code=0)
        self.assertEqual(len(report["replayed"]), 3)
        self.assertIn("25 of 25 tensors bit for bit", self.must("verify", self.model, "--source", program.LICENCE_LM, "--reproduce").out)

    def test_levels(self):
        """signed, linked to a revision, reproduced: each level by what it takes, over one step and over two"""
        key, trust = self.path("k"), self.path("t.json")
        self.must("keygen", key)
        self.must("trust", trust, "--key", key + ".pub", "--name", "me")
        self.must("convert", program.LICENCE_LM, self.model, "--quantize", "Q4_K_M", "--force", "--source-repository",
                  "https://example.org/licence-lm", "--source-revision", "0123456789" * 4)
        self.must("sign", self.model, "--events", "--key", key)
        self.assertIn('signed by "me", whom you trust', self.must("provenance", self.model, "--trust", trust).out)
        self.must("provenance", self.model, "--trust", self.path("none.json"), code=2)
        options = ("--trust", trust)
        for more, level in (((), "P3"), (("--source", program.LICENCE_LM), "P4"), (("--reproduce",), "P5")):
            options += more
            report, mismatches = self.found(*options, code=0)
            self.assertEqual((report["level"], mismatches), (level, []), report)
        self.assertEqual(report["chain"][0]["signer"], "me")
        self.must("verify", self.model, *options, "--require", "P5")
        first, self.model = self.model, self.path("d")
        self.must("convert", first, self.model + "/", "--to", "safetensors")
        self.must("sign", self.model, "--key", key)
        report, mismatches = self.found(*options)
        self.assertEqual((report["level"], mismatches), ("P4", []), report)
        self.assertIn("no tensor was made again", report["not_shown"][0])
        report, mismatches = self.found(*options, "--source", first, code=0)
        self.assertEqual((report["level"], mismatches, len(report["replayed"])), ("P5", [], 50), report)
        with open(os.path.join(self.model, "README.md"), "ab") as file:
            file.write(b"\n")
        _, mismatches = self.found(*options)
        self.assertEqual(set(mismatches), {("file", "README.md")})

    def test_lying_receipts(self):
        """receipts that say another operation than was done do not give the bytes, whatever else is right"""
        receipts = self.model + ".tensor-receipts.jsonl"
        lines = program.bytes_of(receipts).decode().splitlines()
        chosen = next(i for i, line in enumerate(lines) if json.loads(line)["out"] and len(json.loads(line)["ops"]) > 1)
        line = json.loads(lines[chosen])
        line["ops"].insert(1, {"op": "add@1", "operand": "1"})
        lines[chosen] = json.dumps(line, sort_keys=True, separators=(",", ":"))
        self.write("m.gguf.tensor-receipts.jsonl", ("\n".join(lines) + "\n").encode())
        _, mismatches = self.found("--source", program.LICENCE_LM, "--reproduce")
        self.assertIn(("tensor", line["out"]["name"]), mismatches)
        self.assertIn(("receipts", "m.gguf.tensor-receipts.jsonl"), mismatches)

    def test_other_source(self):
        """a source that is another one is not what the chain begins at"""
        other = self.path("other")
        shutil.copytree(program.LICENCE_LM, other)
        weights = os.path.join(other, "model.safetensors")
        flip(weights, -3)
        report, mismatches = self.found("--source", other, "--reproduce")
        self.assertEqual((report["replayed"], mismatches, report["is_good"]), ([], [], False))
        self.assertIn("holds other weights", report["not_shown"][0])
        self.assertIn("no tensor was made again", report["not_shown"][1])
        self.assertIn("NOT SHOWN", self.must("verify", self.model, "--source", other, code=1).out)
        self.assertEqual(self.found("--source", other, "--reproduce", "--require", "P5")[0]["level"], "P2")

    def test_no_record(self):
        """without a record there is nothing to hold it against but a source, of which each tensor is told apart"""
        bare = self.path("bare.gguf")
        shutil.copy(self.model, bare)
        for key in (b"heirloom.version", b"heirloom.events", b"heirloom.head"):
            replace(bare, key, b"somebody" + key[8:])
        self.model = bare
        report, _ = self.found()
        self.assertEqual((report["has_record"], report["level"], report["foreign"]), (False, "P0" if report["level"] == "P0" else "P1", None))
        report, _ = self.found("--source", program.LICENCE_LM, code=0)
        self.assertEqual(report["foreign"]["recipe"], "Q4_K_M")
        self.assertEqual({tensor["verdict"] for tensor in report["foreign"]["tensors"]}, {"exact"})
        flip(bare, -50)
        report, _ = self.found("--source", program.LICENCE_LM)
        off = [tensor for tensor in report["foreign"]["tensors"] if tensor["verdict"] != "exact"]
        self.assertEqual(len(off), 1)
        self.assertEqual(off[0]["differing_blocks"], 1)
        self.assertGreater(off[0]["error"]["rmse"], 0)

    def test_summary(self):
        """--vsa writes a verification summary of what was found"""
        out = self.path("v.json")
        self.must("verify", self.model, "--require", "P2", "--vsa", out, env={**os.environ, "SOURCE_DATE_EPOCH": "1750000000"})
        summary = json.loads(program.bytes_of(out))
        self.assertEqual(summary["predicateType"], "https://slsa.dev/verification_summary/v1")
        predicate = summary["predicate"]
        self.assertEqual((predicate["verificationResult"], predicate["verifiedLevels"], predicate["timeVerified"]),
                         ("PASSED", ["WEIGHTPROV_LEVEL_2_INTACT"], "2025-06-15T15:06:40Z"))
        flip(self.model, -50)
        self.must("verify", self.model, "--vsa", out, code=1)
        predicate = json.loads(program.bytes_of(out))["predicate"]
        self.assertEqual((predicate["verificationResult"], predicate["verifiedLevels"]), ("FAILED", ["FAILED"]))

    def test_wrong_use(self):
        """options that make no sense are refused with what to do"""
        for arguments, says in ((("--reproduce",), "--source"), (("--require", "P9"), "P0 none"), (("--at", "noon"), "is no time"),
                                (("--source", program.LICENCE_LM, "--sample", "2"), "--reproduce"), (("--trust", self.path("none")), "none")):
            self.assertIn(says, self.must("verify", self.model, *arguments, code=2).err)


def without_metadata(path, out):
    """As many programs do it: the same tensors in a new file, without __metadata__."""
    tensors, _ = safetensors_file.read_file(path)
    with open(out, "wb") as file:
        file.write(safetensors_file.file_bytes(tensors))


class Adopt(program.Case):
    def setUp(self):
        super().setUp()
        self.must("convert", program.LICENCE_LM, self.path("d/"), "--quantize", "f16")
        os.mkdir(self.path("elsewhere"))
        self.bare = self.path("elsewhere", "renamed.safetensors")
        without_metadata(self.path("d", "model.safetensors"), self.bare)
        self.log = self.path("d", "provenance.intoto.jsonl")

    def test_found_again(self):
        """weights without metadata find their record by their root, and are intact again"""
        self.must("verify", self.bare, code=1)
        done = self.must_json("adopt", self.bare, "--log", self.log, "--json")
        self.assertEqual((done["matched_by"], done["is_new_event"]), ("weightStoredRootV1", True))
        self.assertGreater(done["lost_keys"], 0)
        self.assertEqual(sorted(os.listdir(self.path("elsewhere"))), sorted([os.path.basename(self.bare), *done["written"]]))
        report = self.must_json("verify", self.bare, "--json")
        self.assertEqual((report["level"], report["mismatches"]), ("P2", []), report)
        self.assertEqual([step["text"].split()[0] for step in report["chain"]], ["convert", "adopt"])
        before = program.bytes_of(self.log)
        after = program.bytes_of(self.bare + ".intoto.jsonl")
        self.assertTrue(after.startswith(before))
        report = self.must_json("verify", self.bare, "--json", "--source", program.LICENCE_LM, "--reproduce")
        self.assertEqual({row["verdict"] for row in report["replayed"]}, {"same"})

    def test_refused(self):
        """other weights, a log that is none, a record that is there: nothing is written"""
        other = self.path("elsewhere", "other.safetensors")
        shutil.copy(self.bare, other)
        flip(other, -2)
        self.assertIn("made these weights", self.must("adopt", other, "--log", self.log, code=1).err)
        self.assertIn("holds no event", self.must("adopt", self.bare, "--log", self.write("empty", b"{}\n"), code=2).err)
        self.must("adopt", self.bare, "--log", self.log)
        self.must("adopt", self.bare, "--log", self.log, code=2)
        self.must("adopt", self.bare, "--log", self.log, "--force")
        self.must_not_exist(other + ".intoto.jsonl")

    def widened(self, path):
        """The same numbers as F32."""
        tensors, _ = safetensors_file.read_file(self.bare)
        import numpy as np
        made = {name: safetensors_file.Tensor("F32", tensor.shape, np.frombuffer(tensor.data, "<f2").astype("<f4").tobytes())
                if tensor.dtype == "F16" else tensor for name, tensor in tensors.items()}
        with open(path, "wb") as file:
            file.write(safetensors_file.file_bytes(made))
        return path

    def test_other_encoding(self):
        """the same numbers in another encoding are found by their values, where the event names their root"""
        wide = self.widened(self.path("elsewhere", "model.safetensors"))
        os.remove(self.bare)
        self.must("adopt", self.path("elsewhere"), "--log", self.log, code=1)
        self.must("convert", self.path("d"), self.path("e/"), "--value-root")
        shutil.copy(self.path("d", "config.json"), self.path("elsewhere"))
        done = self.must_json("adopt", self.path("elsewhere"), "--log", self.path("e", "provenance.intoto.jsonl"), "--json")
        self.assertEqual(done["matched_by"], "weightValueRootV1")
        report = self.must_json("verify", self.path("elsewhere"), "--json")
        self.assertEqual((report["level"], report["mismatches"]), ("P1", []), report)
        self.assertEqual(report["why_not_next"], ["no event names receipts"])
        flip(wide, -2)
        self.must("verify", self.path("elsewhere"), code=1)

    def test_other_names(self):
        """numbers without the names that the family gives them are found by the root of their set, where the event names it"""
        wide = self.widened(self.path("elsewhere", "wide.safetensors"))
        root = self.must_json("id", self.bare, "--json")["weightValueSetRootV1"]
        log = self.path("other.jsonl")
        shutil.copy(self.log, log)

        def name_the_set(statement):
            if "slsa" in statement["predicateType"]:
                statement["subject"][0]["digest"]["weightValueSetRootV1"] = root
        record_file.forge(log, name_the_set)
        self.assertEqual(self.must_json("adopt", wide, "--log", log, "--json")["matched_by"], "weightValueSetRootV1")


program.main()
