"""`heirloom annotate`: metadata changes, no weight does. Files are made and read by code that shares nothing with the program."""
import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import unittest

import dump_gguf
import gguf_file
import program
import record_file
import safetensors_file

DATA = bytes(range(256)) * 4


def small_gguf(*more, version=b"Toy"):
    return gguf_file.padded_bytes(
        [gguf_file.attr("general.architecture", gguf_file.STRING, "llama"),
         gguf_file.attr("general.name", gguf_file.STRING, "Toy"),
         gguf_file.attr("llama.block_count", gguf_file.UINT32, 2), *more],
        [("a", [16, 8], gguf_file.F32, DATA[:512]), ("b", [4], gguf_file.F32, DATA[512:528])])


def keys_of(path):
    return {item["key"]: item.get("value") for item in dump_gguf.dump(path)["kv"]}


def order_of(path):
    return [item["key"] for item in dump_gguf.dump(path)["kv"]]


def tensors_of(path):
    return [(t["name"], t["ggml_type"], t["shape"], t["sha256"]) for t in dump_gguf.dump(path)["tensors"]]


def events_of(path):
    """The events of the log beside a checkpoint, oldest first: (id, statement)."""
    return [(line[0], line[1]) for line in record_file.of_type(record_file.read_log(record_file.part(path, "log")), "provenance")]


def digest_of(event):
    return event["subject"][0]["digest"]


class Gguf(program.Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("x.gguf", small_gguf())

    def annotate(self, *arguments, code=0):
        return self.must("annotate", self.file, *arguments, code=code)

    def test_in_place(self):
        """with room in the header: same inode, size and tensor bytes, other keys and their order as they were"""
        self.annotate("--set", "general.license=mit")              # makes room
        before, status, order = dump_gguf.dump(self.file), os.stat(self.file), order_of(self.file)
        done = self.must_json("annotate", self.file, "--set", "general.license=apache-2.0", "--set", "llama.block_count=3", "--json")
        self.assertEqual(done["how"], "in_place")
        self.assertEqual([(key["key"], key["before"], key["after"]) for key in done["keys"]],
                         [("general.license", "mit", "apache-2.0"), ("llama.block_count", "2", "3")])
        now = os.stat(self.file)
        self.assertEqual((now.st_ino, now.st_size), (status.st_ino, status.st_size))
        after = dump_gguf.dump(self.file)
        self.assertEqual(after["tensors"], before["tensors"])
        self.assertEqual(after["data_offset"], before["data_offset"])
        self.assertEqual(order_of(self.file), order)
        self.assertEqual(order[-1], "heirloom.reserve")
        keys = keys_of(self.file)
        self.assertEqual((keys["general.license"], keys["general.name"], keys["llama.block_count"]), ("apache-2.0", "Toy", 3))
        types = {item["key"]: item["type"] for item in after["kv"]}
        self.assertEqual(types["llama.block_count"], "UINT32")

    def test_rewritten(self):
        """without room: written anew with every tensor's bytes, in a new file with the old one's permissions"""
        os.chmod(self.file, 0o640)
        before, inode = tensors_of(self.file), os.stat(self.file).st_ino
        done = self.must_json("annotate", self.file, "--set", "general.description=" + "long " * 2000, "--json")
        self.assertEqual(done["how"], "rewritten")
        self.assertNotEqual(os.stat(self.file).st_ino, inode)
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o640)
        self.assertEqual(tensors_of(self.file), before)
        self.assertEqual(keys_of(self.file)["general.description"], "long " * 2000)
        self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".partial")])

    def test_shared_names(self):
        """a file that has another name, or that is reached by a link, is not changed under that other name"""
        self.annotate("--set", "general.license=mit")
        before = program.bytes_of(self.file)
        os.link(self.file, self.path("other.gguf"))
        os.symlink("other.gguf", self.path("link.gguf"))
        self.annotate("--set", "general.license=bsd")
        self.assertEqual(program.bytes_of(self.path("other.gguf")), before)
        self.must("annotate", self.path("link.gguf"), "--set", "general.license=isc")
        self.assertEqual(program.bytes_of(self.path("other.gguf")), before)
        self.assertEqual(keys_of(self.path("link.gguf"))["general.license"], "isc")

    def test_refusals(self):
        """a value of another type, keys of the layout and of the record, a key that is not there: exit 2, file as it was"""
        before = program.bytes_of(self.file)
        for arguments, message in (
                (["--set", "llama.block_count=two"], "of the type u32"),
                (["--set", "general.alignment=64"], "unreadable"),
                (["--set", "split.count=3"], "unreadable"),
                (["--set", "heirloom.head=0"], "belongs to the record"),
                (["--remove", "general.architecture"], "is needed"),
                (["--remove", "nothing"], "is not there"),
                (["--set", "no equals sign"], "KEY=VALUE"),
                (["--set", "a=1", "--remove", "a"], "twice"),
                ([], "nothing to change"),
                (["--from", self.path("missing.md")], "missing.md"),
                (["--from", self.write("bad.json", b"[1]")], "no JSON object"),
                (["--from", self.write("config.json", b'{"model_type": "llama"}')], "file of a model"),
                (["--from", self.write("passwd", b"root:x:0:0")], "no model card"),
                (["--from", self.write("bad2.json", b"{\"a\":")], "bad2.json")):
            with self.subTest(arguments=arguments):
                self.assertIn(message, self.annotate(*arguments, code=2).err)
                self.assertEqual(program.bytes_of(self.file), before)
                self.assertFalse([name for name in os.listdir(self.folder) if "jsonl" in name or "partial" in name])

    def test_hostile_text(self):
        """control characters and marks of direction in keys and values are printed escaped"""
        done = self.annotate("--set", "evil\x1b[2J=\x1b]0;title\x07\u202e", "--set", "llama.block_count=9")
        self.assertNotRegex(done.out + done.err, "[\x1b\x07\u202e]")
        self.assertIn("\\x1b", done.out)
        self.assertIn("says how programs run the model", done.err)
        self.assertEqual(keys_of(self.file)["evil\x1b[2J"], "\x1b]0;title\x07\u202e")

    def test_nothing_changes(self):
        """what is so already leaves the file and makes no event; a dry run writes nothing"""
        before = program.bytes_of(self.file)
        self.assertEqual(self.must_json("annotate", self.file, "--set", "general.name=Toy", "--json")["how"], "unchanged")
        done = self.must_json("annotate", self.file, "--set", "general.name=Other", "--dry-run", "--json")
        self.assertEqual((done["how"], done["dry_run"]), ("rewritten", True))
        self.assertEqual(program.bytes_of(self.file), before)
        self.assertEqual(os.listdir(self.folder), ["x.gguf"])

    def test_import(self):
        """--from README.md gives the converter's keys and the whole card; --from x.json an object of keys"""
        card = "---\nlicense: mit\nlanguage: [en, de]\nbase_model: org/Base-1B\n---\n# Card\u00e9\n"
        self.annotate("--from", self.write("README.md", card.encode()))
        keys = keys_of(self.file)
        self.assertEqual((keys["general.license"], keys["general.languages"], keys["general.base_model.0.repo_url"], keys["heirloom.source.card"]),
                         ("mit", ["en", "de"], "https://huggingface.co/org/Base-1B", card))
        self.assertEqual(keys["general.name"], "Toy")
        self.annotate("--from", self.write("x.json", b'{"general.name": "New", "general.license": null, "n:u8": 7}'), "--set", "m=[1,2]")
        keys = keys_of(self.file)
        self.assertEqual((keys["general.name"], keys["n"], keys["m"]), ("New", 7, [1, 2]))
        self.assertNotIn("general.license", keys)

    def test_splits(self):
        """the first file of a split set is annotated, in place the second time; the others stay as they are"""
        self.must("convert", program.LICENCE_LM, self.path("lm.gguf"), "--max-shard-size", "1MB")
        shards = sorted(name for name in os.listdir(self.folder) if name.startswith("lm-") and name.endswith(".gguf"))
        self.assertGreater(len(shards), 1)
        first, others = self.path(shards[0]), [program.bytes_of(self.path(name)) for name in shards[1:]]
        tensors = tensors_of(first)
        self.must("annotate", first, "--set", "general.description=one")
        self.assertEqual(self.must_json("annotate", first, "--set", "general.description=three", "--json")["how"], "in_place")
        self.assertEqual(keys_of(first)["general.description"], "three")
        self.assertEqual(keys_of(first)["split.count"], len(shards))
        self.assertEqual(tensors_of(first), tensors)
        self.assertEqual([program.bytes_of(self.path(name)) for name in shards[1:]], others)
        self.must("inspect", first)

    @unittest.skipIf(os.geteuid() == 0, "1 case not tried: root may write everything")
    def test_read_only(self):
        """a file that may not be written: exit 2, with the cause"""
        os.chmod(self.file, 0o444)
        self.assertRegex(self.annotate("--set", "a=1", code=2).err, "(?i)permission denied")

    @unittest.skipIf(program.IS_SANITIZED, "1 case not tried: a library cannot be preloaded into a sanitizer build")
    def test_killed(self):
        """killed at every single change to the disk: the next call finds the old or the new header, and every tensor"""
        library = self.path("stop_at.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(program.TOOLS, "stop_at.c"), "-ldl"], check=True)
        self.annotate("--set", "general.license=mit")
        start, tensors, restored = self.path("start"), tensors_of(self.file), 0
        shutil.copytree(self.folder, start, ignore=shutil.ignore_patterns("start", "stop_at*"))
        for stop in range(1, 60):
            for name in os.listdir(self.folder):
                if name.startswith("x.gguf"):
                    os.remove(self.path(name))
            for name in os.listdir(start):
                shutil.copy(os.path.join(start, name), self.folder)
            done = program.run("annotate", self.file, "--set", "general.license=apache-2.0",
                               env={**os.environ, "LD_PRELOAD": library, "STOP_AT": str(stop)})
            if done.code == 0:
                break
            again = self.must("annotate", self.file, "--set", "general.author=me")
            restored += "its old header is back" in again.err
            keys = keys_of(self.file)
            self.assertIn(keys["general.license"], ("mit", "apache-2.0"), stop)
            self.assertEqual((keys["general.author"], tensors_of(self.file)), ("me", tensors), stop)
            self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".header.partial")], stop)
        self.assertGreater(stop, 8)
        self.assertGreater(restored, 1)


class Safetensors(program.Case):
    def setUp(self):
        super().setUp()
        self.tensors = {"b": safetensors_file.Tensor("F32", (2, 4), DATA[:32]), "a": safetensors_file.Tensor("BF16", (8,), DATA[32:48])}
        self.file = self.write("x.safetensors", safetensors_file.file_bytes(self.tensors, {"format": "pt", "note": "1"}))

    def test_in_place(self):
        """a safetensors file: text alone, in place once there is room, tensors and other keys as they were"""
        self.must("annotate", self.file, "--set", "license=mit", "--set", "number=5")
        status = os.stat(self.file)
        done = self.must_json("annotate", self.file, "--set", "note=a longer note \"with quotes\"", "--remove", "number", "--json")
        self.assertEqual(done["how"], "in_place")
        self.assertEqual((os.stat(self.file).st_ino, os.stat(self.file).st_size), (status.st_ino, status.st_size))
        tensors, metadata = safetensors_file.read_file(self.file)
        self.assertEqual(tensors, self.tensors)
        self.assertEqual((metadata["format"], metadata["license"], metadata["note"]), ("pt", "mit", 'a longer note "with quotes"'))
        self.assertNotIn("number", metadata)
        self.assertEqual(list(metadata)[:2], ["format", "note"])
        self.assertIn("can only be a text", self.must("annotate", self.file, "--set", "n:u32=5", code=2).err)
        self.assertIn("is needed", self.must("annotate", self.file, "--remove", "format", code=2).err)

    def test_slack_of_others(self):
        """spaces that another program left behind the header are room, too"""
        size, = struct.unpack("<Q", program.bytes_of(self.file)[:8])
        data = program.bytes_of(self.file)
        roomy = struct.pack("<Q", size + 8192) + data[8:8 + size] + b" " * 8192 + data[8 + size:]
        self.write("x.safetensors", roomy)
        self.assertEqual(self.must_json("annotate", self.file, "--set", "license=mit", "--json")["how"], "in_place")
        self.assertEqual(safetensors_file.read_file(self.file)[0], self.tensors)


class Directory(program.Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(program.LICENCE_LM, self.path("lm"))
        self.readme = self.path("lm", "README.md")

    def test_card(self):
        """--set changes the one line of README.md; weights and all other files stay"""
        with open(self.readme, "w", encoding="utf-8") as file:
            file.write("---\n# kept\nlicense: mit  # old\ntags:\n- a\n---\n# Title\n")
        before = {name: program.bytes_of(self.path("lm", name)) for name in os.listdir(self.path("lm")) if name != "README.md"}
        done = self.must_json("annotate", self.path("lm"), "--set", "license=apache-2.0", "--set", 'language=["en"]', "--json")
        self.assertEqual(done["how"], "card")
        self.assertEqual(program.bytes_of(self.readme).decode(), "---\n# kept\nlicense: apache-2.0\ntags:\n- a\nlanguage:\n- en\n---\n# Title\n")
        for name, content in before.items():
            self.assertEqual(program.bytes_of(self.path("lm", name)), content, name)
        self.must("annotate", self.path("lm"), "--remove", "tags")
        (first, one), (_, two) = events_of(self.path("lm"))
        self.assertEqual(digest_of(one), digest_of(two))
        self.assertEqual(digest_of(one)["weightStoredRootV1"], record_file.Weights(self.path("lm")).stored_root())
        prior, = record_file.dependencies(two, "prior-event"),
        self.assertEqual([p["digest"]["sha256"] for p in prior], [first])
        card, = [subject for subject in two["subject"] if subject["name"] == "README.md"]
        self.assertEqual(card["digest"]["sha256"], program.sha256_of(self.readme))

    def test_new_card(self):
        """a README.md is made where there is none, and replaced by --from"""
        os.remove(self.readme)
        self.must("annotate", self.path("lm"), "--set", "license=mit")
        self.assertEqual(program.bytes_of(self.readme), b"---\nlicense: mit\n---\n")
        self.must("annotate", self.path("lm"), "--from", self.write("card.md", b"---\nlicense: isc\n---\nText\n"), "--set", "author=me")
        self.assertEqual(program.bytes_of(self.readme), b"---\nlicense: isc\nauthor: me\n---\nText\n")


class Record(program.Case):
    def setUp(self):
        super().setUp()
        self.file = self.path("lm.gguf")
        self.must("convert", program.LICENCE_LM, self.file, "--quantize", "Q8_0")

    def roots(self):
        found = self.must_json("id", self.file, "--json")
        return {name: found[name] for name in found if name.startswith("weight")}

    def test_event(self):
        """the first annotation of what we converted is in place; its event follows the conversion's, and every digest of it is right"""
        roots, tensors, receipts = self.roots(), tensors_of(self.file), program.bytes_of(record_file.part(self.file, "receipts"))
        done = self.must_json("annotate", self.file, "--set", "general.license=mit", "--set", "general.description=" + "x" * 1025, "--json")
        self.assertEqual(done["how"], "in_place")
        self.assertEqual(self.roots(), roots)
        self.assertEqual(tensors_of(self.file), tensors)
        (converted, before), (annotated, event) = events_of(self.file)
        self.assertEqual(annotated, done["event"])
        definition = event["predicate"]["buildDefinition"]
        self.assertEqual(definition["buildType"], "https://heirloom.example/ns/annotate/v1")
        self.assertEqual(definition["externalParameters"]["set"],
                         {"general.license": "mit", "general.description": "sha256:" + hashlib.sha256(b"x" * 1025).hexdigest()})
        self.assertEqual([p["digest"]["sha256"] for p in record_file.dependencies(event, "prior-event")], [converted])
        weights = record_file.Weights(self.file)
        self.assertEqual(digest_of(event)["weightStoredRootV1"], weights.stored_root())
        self.assertEqual(digest_of(event)["weightStoredRootV1"], digest_of(before)["weightStoredRootV1"])
        self.assertEqual(digest_of(event)["metadataRootV1"], weights.metadata_root())
        used, = record_file.dependencies(event, "weights")
        self.assertEqual(used["digest"]["metadataRootV1"], digest_of(before)["metadataRootV1"])
        made = {item["name"]: item["digest"]["sha256"] for item in event["predicate"]["runDetails"]["byproducts"]}
        self.assertEqual(made, {"tensor-receipts.jsonl": hashlib.sha256(receipts).hexdigest(),
                                "metadata-ledger.json": program.sha256_of(record_file.part(self.file, "ledger"))})
        self.assertEqual(program.bytes_of(record_file.part(self.file, "receipts")), receipts)
        self.assertEqual(keys_of(self.file)["heirloom.head"], annotated)
        verified = self.must_json("verify", self.file, "--json")
        self.assertEqual(verified["mismatches"], [])
        self.assertEqual(verified["chain"][-1]["id"], annotated)

    def test_same_bytes(self):
        """with SOURCE_DATE_EPOCH two runs write the same bytes, record and all"""
        shutil.copytree(self.folder, self.path("twin"), ignore=shutil.ignore_patterns("twin"))
        for file in (self.file, self.path("twin", "lm.gguf")):
            self.must("annotate", file, "--set", "general.license=mit", env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
        ours, others = sorted(os.listdir(self.folder)), sorted(os.listdir(self.path("twin")))
        self.assertEqual([name for name in ours if name != "twin"], others)
        for name in others:
            if "intoto" not in name:
                self.assertEqual(program.bytes_of(self.path(name)), program.bytes_of(self.path("twin", name)), name)

    def test_changed_unrecorded(self):
        """metadata that another program changed is not made good by annotating: verify names the gap"""
        data = program.bytes_of(self.file)
        at = data.index(b"general.license") + len("general.license") + 12
        self.write("lm.gguf", data[:at] + b"X" + data[at + 1:])
        done = self.must("annotate", self.file, "--set", "general.author=me")
        self.assertIn("changed without a record", done.err)
        verified = self.must_json("verify", self.file, "--json", code=1)
        self.assertTrue([m for m in verified["mismatches"] if "without a record" in m["text"]], verified["mismatches"])

    def test_on_to_a_directory(self):
        """what is annotated goes on: the directory made of the file has the licence that was set, and the whole chain"""
        self.must("annotate", self.file, "--set", "general.license=isc")
        self.must("convert", self.file, self.path("back"), "--allow-loss")
        self.assertIn(b"license: isc", program.bytes_of(self.path("back", "README.md")))
        kinds = [event["predicate"]["buildDefinition"]["buildType"].split("/")[-2] for _, event in events_of(self.path("back"))]
        self.assertEqual(kinds[1], "annotate")
        self.assertEqual(len(kinds), 3)

    def test_embedded_alone(self):
        """an annotation of a file that carries its record alone names no ledger: none is written"""
        alone = self.path("alone.gguf")
        self.must("convert", program.LICENCE_LM, alone, "--provenance", "embed")
        self.must("annotate", alone, "--set", "general.author=me")
        self.must_not_exist(alone + ".metadata-ledger.json", alone + ".intoto.jsonl")
        event = json.loads(keys_of(alone)["heirloom.events"][-1])
        self.assertIn("annotate", event["predicate"]["buildDefinition"]["buildType"])
        self.assertEqual([made["name"] for made in event["predicate"]["runDetails"]["byproducts"]], ["tensor-receipts.jsonl"])
        self.assertEqual(self.must_json("verify", alone, "--json")["mismatches"], [])
        self.assertNotIn("[]", self.must("provenance", alone, code=0).out)

    def test_at_once(self):
        """runs at once follow one another: each change is there, each event is in the log, and the record is intact"""
        self.must("convert", program.LICENCE_LM, self.path("d/"), "--quantize", "f16")
        for target, keys in ((self.file, "toy.key{}"), (self.path("d"), "key{}")):
            for _ in range(4):
                runs = [subprocess.Popen([program.PROGRAM, "annotate", target, "--set", f"{keys.format(at)}=here"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL) for at in range(4)]
                self.assertEqual([run.wait() for run in runs], [0] * 4)
                changed = [keys.format(at) in self.present(target) for at in range(4)]
                self.assertEqual(changed, [True] * 4, target)
                if target == self.file:
                    self.assertEqual(self.must_json("verify", target, "--json")["mismatches"], [])
                self.must("annotate", target, *(word for at in range(4) for word in ("--remove", keys.format(at))))
            self.assertEqual(len(events_of(target)), 1 + 4 * 5)

    def present(self, target):
        return program.bytes_of(os.path.join(target, "README.md")).decode() if os.path.isdir(target) else keys_of(target)


if __name__ == "__main__":
    program.main()
