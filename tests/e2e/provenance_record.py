"""The record that `convert` leaves, held against a reader that knows the text of formats/facts/provenance.md alone."""
import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import unittest

import program
import record_file
from record_file import Weights, build_type, dependencies, of_type, read_log

EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}


def resource(subjects, name):
    found, = [s for s in subjects if s.get("name") == name]
    return found["digest"]


class Record(program.Case):
    def convert(self, source, target, *options, **environment):
        self.must("convert", source, target, "--allow-loss", *options, env={**os.environ, **environment})
        return target

    def gguf(self, name="model.gguf", *options, **environment):
        return self.convert(program.LICENCE_LM, self.path(name), "--quantize", "Q4_K_M", *options, **environment)

    def log_of(self, path):
        return read_log(record_file.part(path, "log"))

    def events_of(self, path):
        return [line[1] for line in of_type(self.log_of(path), "provenance")]

    def check_event(self, event, source, target):
        """Every digest of an event, recomputed from the two checkpoints."""
        weights, before = Weights(target), Weights(source)
        digest = resource(event["subject"], "weights")
        self.assertEqual(digest["weightStoredRootV1"], weights.stored_root())
        self.assertEqual(digest["metadataRootV1"], weights.metadata_root())
        for subject in event["subject"][1:]:
            self.assertEqual(subject["digest"]["sha256"], program.sha256_of(os.path.join(target, subject["name"])))
        used, = dependencies(event, "weights")
        self.assertEqual(used["digest"]["weightStoredRootV1"], before.stored_root())
        self.assertEqual(used["digest"]["metadataRootV1"], before.metadata_root())
        files = [d for d in event["predicate"]["buildDefinition"]["resolvedDependencies"] if "sha256" in d["digest"] and "name" in d]
        folder = source if os.path.isdir(source) else os.path.dirname(source)
        for file in files:
            self.assertEqual(file["digest"]["sha256"], program.sha256_of(os.path.join(folder, file["name"])), file["name"])
        products = {p["name"]: p["digest"]["sha256"] for p in event["predicate"]["runDetails"]["byproducts"]}
        self.assertEqual(products, {"tensor-receipts.jsonl": program.sha256_of(record_file.part(target, "receipts")),
                                    "metadata-ledger.json": program.sha256_of(record_file.part(target, "ledger"))})
        return {file["name"]: file["annotations"]["role"] for file in files}

    def check_receipts(self, source, target):
        """Every receipt's digests; what has no block encoding is replayed. Returns {operation: how often}."""
        weights, before = Weights(target), Weights(source)
        outputs, counts = [], {}
        with open(record_file.part(target, "receipts"), encoding="utf-8") as file:
            receipts = [json.loads(line) for line in file]
        used = set()
        for receipt in receipts:
            used |= {tensor["name"] for tensor in receipt["in"]}
            if receipt["out"] is None:
                self.assertTrue(receipt["reason"])
                continue
            out = receipt["out"]
            outputs.append(out["name"])
            self.assertEqual((out["raw"], out["digest"]), (weights.raw(out["name"]).hex(), weights.digest(out["name"]).hex()))
            for tensor in receipt["in"]:
                self.assertEqual((tensor["raw"], tensor["digest"]), (before.raw(tensor["name"]).hex(), before.digest(tensor["name"]).hex()))
            for op in receipt["ops"]:
                counts[op["op"]] = counts.get(op["op"], 0) + 1
            self.replay(receipt, before, weights)
        self.assertEqual(sorted(outputs), sorted(weights.tensors))
        self.assertEqual(used, set(before.tensors))
        return counts

    def replay(self, receipt, before, weights):
        data = [before.tensors[tensor["name"]][2] for tensor in receipt["in"]]
        encoding = receipt["in"][0]["encoding"] if receipt["in"] else ""
        count = 1
        for size in receipt["out"]["shape"]:
            count *= size
        for op in receipt["ops"]:
            if op["op"] == "copy@1":
                data, = data
            elif op["op"] == "arrange@1":
                if encoding not in ("bf16", "f16", "f32"):
                    return
                data = record_file.arrange(op, data, count, 4 if encoding == "f32" else 2)
            elif op["op"] == "decode@1" and encoding == "bf16":
                data, encoding = b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2)), "f32"
            elif op["op"] == "literal@1":
                data = base64.b64decode(op["base64"], validate=True)
            else:
                return
        self.assertTrue(data == weights.tensors[receipt["out"]["name"]][2], receipt["out"]["name"])

    def test_every_digest_of_the_first_conversion(self):
        """Hugging Face -> Q4_K_M: every digest of the event is what its text says, and receipts replay"""
        path = self.gguf()
        event, = self.events_of(path)
        self.assertEqual(build_type(event), "quantize/v1")
        definition = event["predicate"]["buildDefinition"]["externalParameters"]
        self.assertEqual({key: definition[key] for key in ("source", "sourceFormat", "target", "recipe", "architecture")},
                         {"source": "licence-lm-2m", "sourceFormat": "safetensors", "target": "gguf", "recipe": "Q4_K_M", "architecture": "olmo2"})
        roles = self.check_event(event, program.LICENCE_LM, path)
        self.assertEqual(roles["README.md"], "model-card")
        self.assertEqual(roles["tokenizer.json"], "tokenizer")
        self.assertGreater(self.check_receipts(program.LICENCE_LM, path)["encode@1"], 0)

    def test_receipts_of_rearranged_tensors(self):
        """rows of heads in another order, stacked experts, numbers that change: receipts replay from their text"""
        for architecture, ops in (("LlamaForCausalLM", {"arrange@1"}), ("MixtralForCausalLM", {"arrange@1"}), ("GemmaForCausalLM", {"add@1"})):
            with self.subTest(architecture=architecture):
                source = program.checkpoint(architecture, self.path(architecture))
                path = self.convert(source, self.path(architecture + ".gguf"))
                self.assertLessEqual(ops, self.check_receipts(source, path).keys())
                self.check_event(self.events_of(path)[0], source, path)

    def test_the_embedded_events_are_those_of_the_log(self):
        """the file holds the events that led to it, its own last, whose id is the head; keys of the record are the last ones"""
        path = self.gguf()
        weights = Weights(path)
        log = self.log_of(path)
        embedded = [hashlib.sha256(payload).hexdigest() for payload in weights.embedded()]
        self.assertEqual(embedded, [line[0] for line in log if not line[1]["predicateType"].endswith("/run/v1")])
        self.assertEqual(weights.texts["heirloom.head"], of_type(log, "provenance")[-1][0])
        self.assertEqual(list(weights.texts)[-4:], ["heirloom.version", "heirloom.events", "heirloom.head", "heirloom.reserve"])
        self.assertEqual(weights.texts["heirloom.version"], 1)

    def test_lineage(self):
        """first contact: what the source says of itself, with places; the event follows it"""
        path = self.gguf()
        log = self.log_of(path)
        (identifier, lineage, _), = of_type(log, "lineage")
        event = self.events_of(path)[0]
        self.assertEqual([d["digest"]["sha256"] for d in dependencies(event, "prior-event")], [identifier])
        claims = {(c["field"], c["value"]): (c["status"], c["from"]) for c in lineage["predicate"]["claims"]}
        self.assertEqual(claims["license", "apache-2.0"], ("declared", "README.md#/license"))
        source = Weights(program.LICENCE_LM)
        self.assertEqual(lineage["subject"][0]["digest"], {"weightStoredRootV1": source.stored_root(), "metadataRootV1": source.metadata_root()})
        for subject in lineage["subject"][1:]:
            self.assertEqual(subject["digest"]["sha256"], program.sha256_of(os.path.join(program.LICENCE_LM, subject["name"])))

    def test_a_revision(self):
        """the folder of a hub's cache, or the user, says which revision: it is a claim, a dependency, and a key"""
        revision = "0123456789abcdef0123456789abcdef01234567"
        cache = self.path("models--some--model", "snapshots", revision)
        shutil.copytree(program.LICENCE_LM, cache)
        said = ("--source-repository", "https://example.org/some/model", "--source-revision", revision)
        for source, options, status, url in ((cache, (), "inferred", "https://huggingface.co/some/model"),
                                             (program.LICENCE_LM, said, "declared", "https://example.org/some/model")):
            path = self.convert(source, self.path(status + ".gguf"), *options)
            (_, lineage, _), = of_type(self.log_of(path), "lineage")
            claims = {(c["field"], c["value"], c["status"]) for c in lineage["predicate"]["claims"]}
            self.assertLessEqual({("repository", url, status), ("revision", revision, status)}, claims)
            repository, = dependencies(self.events_of(path)[0], "repository")
            self.assertEqual((repository["uri"], repository["digest"]), (f"git+{url}@{revision}", {"gitCommit": revision}))
            self.assertEqual(Weights(path).texts["heirloom.source_revision"], revision)
        self.must("convert", program.LICENCE_LM, self.path("x.gguf"), "--source-revision", "main", code=2)

    def test_the_chain_grows(self):
        """GGUF -> directory -> GGUF: lines before are kept byte for byte, and each event names the one before"""
        first = self.gguf()
        second = self.convert(first, self.path("back"))
        third = self.convert(second, self.path("again.gguf"))
        before = program.bytes_of(record_file.part(first, "log"))
        self.assertTrue(program.bytes_of(record_file.part(second, "log")).startswith(before))
        log = self.log_of(third)
        ids = [line[0] for line in of_type(log, "provenance")]
        events = self.events_of(third)
        self.assertEqual(len(events), 3)
        for number in (1, 2):
            prior, = dependencies(events[number], "prior-event")
            self.assertEqual(prior["digest"]["sha256"], ids[number - 1])
        self.check_event(events[1], first, second)
        self.check_event(events[2], second, third)
        for source, target in ((first, second), (second, third)):
            self.check_receipts(source, target)
        self.assertEqual([hashlib.sha256(payload).hexdigest() for payload in Weights(third).embedded()][-3:], ids)
        self.assertEqual(Weights(third).texts["heirloom.head"], ids[-1])

    def test_a_log_that_is_lost(self):
        """without the log beside it, the embedded events go on"""
        first = self.gguf()
        os.remove(record_file.part(first, "log"))
        second = self.convert(first, self.path("back"))
        ids = [line[0] for line in of_type(self.log_of(second), "provenance")]
        self.assertEqual(ids[0], Weights(first).texts["heirloom.head"])
        self.assertEqual(len(ids), 2)

    def test_the_run_statement(self):
        """the run names the event, the program, threads and files; --hash-files adds their digests"""
        path = self.gguf("model.gguf", "--hash-files", "--threads", "2", **EPOCH)
        log = self.log_of(path)
        (_, run, _), = of_type(log, "run")
        predicate = run["predicate"]
        event_id = of_type(log, "provenance")[0][0]
        self.assertEqual((predicate["event"], run["subject"][0]["digest"]["sha256"]), (event_id, event_id))
        self.assertEqual((predicate["startedOn"], predicate["finishedOn"]), ("2023-11-14T22:13:20Z",) * 2)
        self.assertRegex(predicate["invocationId"], "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(predicate["internalParameters"]["threads"], "2")
        programs = {p["name"]: p["digest"]["sha256"] for p in predicate["builderDependencies"]}
        self.assertEqual(programs["heirloom"], program.sha256_of(program.PROGRAM))
        self.assertEqual(len(programs), 3)
        self.assertEqual(predicate["files"], [{"name": "model.gguf", "size": os.path.getsize(path), "sha256": program.sha256_of(path)}])

    def test_reproducible(self):
        """threads and runs change no byte of the weights, and with SOURCE_DATE_EPOCH none of the log"""
        first = self.gguf("model.gguf", "--threads", "1", **EPOCH)
        weights = program.bytes_of(first)
        for name, threads in (("b.gguf", 2), ("c.gguf", 8), ("d.gguf", 8)):
            path = self.gguf(name, "--threads", str(threads))
            self.assertTrue(program.bytes_of(path) == weights, name)
            for part in ("receipts", "ledger"):
                self.assertEqual(program.bytes_of(record_file.part(path, part)), program.bytes_of(record_file.part(first, part)))
        os.mkdir(self.path("again"))
        second = self.gguf("again/model.gguf", "--threads", "1", **EPOCH)
        self.assertEqual(program.bytes_of(record_file.part(second, "log")), program.bytes_of(record_file.part(first, "log")))

    def test_where_it_lies(self):
        """--provenance: none leaves nothing, beside only files, embed only keys; the tensors are the same"""
        full, plain = self.gguf("full.gguf"), self.gguf("none.gguf", "--provenance", "none")
        beside, embed = self.gguf("beside.gguf", "--provenance", "beside"), self.gguf("embed.gguf", "--provenance", "embed")
        self.assertEqual(program.bytes_of(beside), program.bytes_of(plain))
        self.assertEqual(program.bytes_of(embed), program.bytes_of(full))
        self.assertFalse(any(key in Weights(plain).texts for key in ("heirloom.version", "heirloom.events", "heirloom.head", "heirloom.reserve")))
        for part in record_file.PARTS:
            self.must_not_exist(record_file.part(plain, part), record_file.part(embed, part))
        self.assertEqual(Weights(full).tensors, Weights(plain).tensors)
        self.must("convert", program.LICENCE_LM, self.path("x.pt"), "--to", "pytorch", "--provenance", "embed", code=2)
        self.must_not_exist(self.path("x.pt"))

    def test_a_record_of_an_earlier_output(self):
        """without a record beside it, an output does not appear beside that of another: it is refused, and goes with --force"""
        for place in ("none", "embed"):
            with self.subTest(place=place):
                path = self.gguf(place + ".gguf")
                parts = [record_file.part(path, part) for part in record_file.PARTS]
                os.remove(path)
                arguments = ("convert", program.LICENCE_LM, path, "--provenance", place)
                done = self.must(*arguments, code=2)
                self.assertRegex(done.err, r"\.(intoto\.jsonl|tensor-receipts\.jsonl|metadata-ledger\.json)[^/]* is there already.*--force deletes it")
                self.assertTrue(all(os.path.exists(part) for part in parts))
                self.must_not_exist(path)
                report = self.must_json(*arguments, "--force", "--json")
                self.assertEqual(sorted(report["deleted_files"]), sorted(os.path.basename(part) for part in parts))
                self.must_not_exist(*parts)
                self.check_no_mismatch(path)
                self.assertEqual(self.must_json(*arguments, "--force", "--json")["deleted_files"], [])
        path = self.gguf("again.gguf")
        self.assertRegex(self.must("convert", program.LICENCE_LM, path, "--provenance", "none", "--force").out, "deleted, .*again.gguf.intoto.jsonl")

    def check_no_mismatch(self, path):
        """Nothing beside the weights speaks of others; there need not be a record."""
        self.assertEqual(json.loads(program.run("verify", path, "--json").out)["mismatches"], [])

    @unittest.skipIf(program.IS_SANITIZED, "1 case not tried: a library cannot be preloaded into a sanitizer build")
    def test_killed_while_a_record_goes(self):
        """killed at every change to the disk: no record of other weights lies beside the weights, old or new"""
        library = self.path("stop_at.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(program.TOOLS, "stop_at.c"), "-ldl"], check=True)
        source, path = program.checkpoint("LlamaForCausalLM", self.path("llama")), self.path("x.gguf")
        asides = 0
        for stop in range(1, 200):
            self.convert(source, path, "--force")
            arguments = ("convert", source, path, "--quantize", "F16", "--provenance", "none", "--force", "--threads", "1", "--allow-loss")
            done = program.run(*arguments, env={**os.environ, "LD_PRELOAD": library, "STOP_AT": str(stop)})
            if done.code == 0:
                break
            self.check_no_mismatch(path)
            asides += any(name.endswith(".replaced.partial") for name in os.listdir(self.folder))
        self.assertGreater(stop, 8)
        self.assertGreater(asides, 3)
        self.assertEqual(sorted(os.listdir(self.folder)), ["llama", "stop_at.so", "x.gguf"])

    def test_no_room_in_the_container(self):
        """a format without metadata has the record beside it"""
        folder = self.convert(program.LICENCE_LM, self.path("pt/"), "--to", "pytorch")
        self.assertEqual(len(self.events_of(folder)), 1)
        self.check_event_of_other(folder)

    def check_event_of_other(self, folder):
        """The same weights in a container that is not read here have the same root as in safetensors."""
        back = self.convert(folder, self.path("back"), "--to", "safetensors")
        first, second = self.events_of(back)
        self.assertEqual(build_type(second), "convert/v1")
        used, = dependencies(second, "weights")
        self.assertEqual(used["digest"], resource(first["subject"], "weights"))
        self.assertEqual(used["digest"]["weightStoredRootV1"], Weights(program.LICENCE_LM).stored_root())
        self.check_event_target(second, back)

    def check_event_target(self, event, target):
        weights = Weights(target)
        self.assertEqual(resource(event["subject"], "weights"),
                         {"weightStoredRootV1": weights.stored_root(), "metadataRootV1": weights.metadata_root()})

    def test_shards(self):
        """the same tensors in other files are sharded; the first file's name is the record's"""
        whole = self.convert(program.LICENCE_LM, self.path("model.gguf"))
        self.convert(whole, self.path("split.gguf"), "--max-shard-size", "1MB")
        names = sorted(name for name in os.listdir(self.folder) if name.startswith("split") and name.endswith(".gguf"))
        self.assertGreater(len(names), 1)
        event = self.events_of(self.path(names[0]))[-1]
        self.assertEqual(build_type(event), "shard/v1")
        os.mkdir(self.path("set"))
        for name in names:
            shutil.move(self.path(name), self.path("set", name))
        self.assertEqual(resource(event["subject"], "weights")["weightStoredRootV1"], Weights(self.path("set")).stored_root())
        self.assertEqual(resource(event["subject"], "weights")["weightStoredRootV1"], Weights(whole).stored_root())

    def test_a_source_record_is_no_side_file(self):
        """directory -> directory: the record of the source is not copied, the new one stands in its place"""
        first = self.convert(program.LICENCE_LM, self.path("one"))
        with open(os.path.join(first, "model.sig"), "w", encoding="utf-8") as file:
            file.write("{}")
        second = self.convert(first, self.path("two"))
        self.must_not_exist(os.path.join(second, "model.sig"))
        event = self.events_of(second)[-1]
        self.assertEqual(build_type(event), "shard/v1")
        names = {subject["name"] for subject in event["subject"]} | {d.get("name") for d in event["predicate"]["buildDefinition"]["resolvedDependencies"]}
        self.assertFalse({name for name in names if name and ("intoto" in name or "receipts" in name or "ledger" in name or ".sig" in name)})
        self.check_event(event, first, second)

    def test_long_chains_stay_in_the_log(self):
        """more than 64 KiB of events are not embedded, the head is"""
        path = self.gguf()
        log = record_file.part(path, "log")
        statement = {"_type": "https://in-toto.io/Statement/v1", "predicate": {"note": "x" * 70000}, "predicateType": "https://other.example/v1",
                     "subject": [{"digest": {"sha256": "0" * 64}, "name": "x"}]}
        payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
        with open(log, "ab") as file:
            file.write(json.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json",
                                   "signatures": []}).encode() + b"\nnot an envelope\n")
        before = program.bytes_of(log)
        second = self.convert(path, self.path("next.gguf"))
        self.assertTrue(program.bytes_of(record_file.part(second, "log")).startswith(before))
        self.assertNotIn("heirloom.events", Weights(second).texts)
        self.assertIn("heirloom.head", Weights(second).texts)

    def test_names_that_are_not_utf8(self):
        """a source, an output or a side file whose name is not UTF-8 is refused before anything is written; without a record it is taken"""
        folder = os.fsencode(self.folder)
        source = folder + b"/bad\xff"
        shutil.copytree(program.LICENCE_LM, os.fsdecode(source))
        side = shutil.copytree(program.LICENCE_LM, self.path("side"))
        shutil.copy(os.path.join(side, "tokenizer.json"), os.fsencode(side) + b"/vocab\xff.txt")
        there = sorted(os.listdir(folder))
        for arguments, named in (((source, folder + b"/x.gguf"), "bad\\xff"), ((os.fsencode(program.LICENCE_LM), folder + b"/y\xff.gguf"), "y\\xff.gguf"),
                                 ((os.fsencode(side), folder + b"/z/"), "vocab\\xff.txt")):
            command = [os.fsencode(program.PROGRAM), b"convert", *arguments, b"--allow-loss"]
            refused = subprocess.run(command, capture_output=True, timeout=300)
            self.assertEqual(refused.returncode, 2, refused)
            said = refused.stderr.decode()
            for part in (named, "UTF-8", "rename", "--provenance none"):
                self.assertIn(part, said)
            self.assertEqual(sorted(os.listdir(folder)), there)
            self.assertEqual(subprocess.run(command + [b"--provenance", b"none"], capture_output=True, timeout=300).returncode, 0, arguments)
            for made in set(os.listdir(folder)) - set(there):
                path = os.path.join(folder, made)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


if __name__ == "__main__":
    program.main()
