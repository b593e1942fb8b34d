"""What somebody who can write the files tries, so that another record passes: each must be found and named."""
import base64
import hashlib
import json
import os

import program

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_log(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_log(path, envelopes):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(envelope) + "\n" for envelope in envelopes)


def statement_of(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def with_statement(envelope, statement):
    return {**envelope, "payload": base64.b64encode(canonical(statement)).decode()}


def id_of(envelope):
    return hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


class Forged(program.Case):
    """A GGUF with its record: lineage, event, run."""
    options = ("--quantize", "Q4_K_M")

    def setUp(self):
        super().setUp()
        self.model = self.path("m.gguf")
        self.must("convert", program.LICENCE_LM, self.model, *self.options)
        self.log = self.model + ".intoto.jsonl"

    def found(self, *arguments, code=1):
        report = self.must_json("verify", self.model, "--json", *arguments, code=code)
        return report, [(entry["part"], entry["name"]) for entry in report["mismatches"]]

    def signed(self):
        """The options with which the record's own signer is trusted."""
        self.must("keygen", self.path("k"))
        self.must("trust", self.path("t.json"), "--key", self.path("k.pub"), "--name", "me")
        self.must("sign", self.model, "--events", "--key", self.path("k"))
        return "--trust", self.path("t.json")

    def change(self, at, how):
        """Changes the statement of one line, and leaves its signatures."""
        lines = read_log(self.log)
        statement = statement_of(lines[at])
        how(statement)
        lines[at] = with_statement(lines[at], statement)
        write_log(self.log, lines)


class Lines(Forged):
    def test_payload_type(self):
        """a line of ours under another payload type is found; somebody else's line may be there"""
        kept = read_log(self.log)
        for at in range(len(kept)):
            with self.subTest(line=at + 1):
                write_log(self.log, [{**line, "payloadType": "application/vnd.in-totp+json"} if i == at else line for i, line in enumerate(kept)])
                _, mismatches = self.found()
                self.assertIn(("log", f"line {at + 1}"), mismatches)
        other = {"payload": base64.b64encode(b"some note").decode(), "payloadType": "text/plain", "signatures": []}
        write_log(self.log, [*kept, other])
        self.found(code=0)

    def test_hidden_event(self):
        """an event that another names cannot hide behind another payload type, whoever made it"""
        self.must("convert", program.LICENCE_LM, self.model, "--force", "--provenance", "beside")
        lines = read_log(self.log)
        event = statement_of(lines[0])
        event["predicateType"] = "https://example.org/other/v1"
        hidden = {**with_statement(lines[0], event), "payloadType": "application/vnd.in-toto.other+json"}

        def name_it(statement):
            for dependency in statement["predicate"]["buildDefinition"]["resolvedDependencies"]:
                if dependency.get("annotations", {}).get("role") == "prior-event":
                    dependency["digest"]["sha256"] = id_of(hidden)
        lines[0] = hidden
        write_log(self.log, lines)
        self.change(1, name_it)
        _, mismatches = self.found()
        self.assertIn(("log", "line 1"), mismatches)


class Signatures(Forged):
    def test_every_line(self):
        """a line that was changed after it was signed is found, whatever it says: lineage, event or run"""
        trust = self.signed()
        self.found(*trust, code=0)
        kept = read_log(self.log)
        for at, line in enumerate(kept):
            with self.subTest(line=at + 1):
                spoiled = bytearray(base64.b64decode(line["signatures"][0]["sig"]))
                spoiled[-1] ^= 1
                signature = {**line["signatures"][0], "sig": base64.b64encode(spoiled).decode()}
                write_log(self.log, [{**line, "signatures": [signature]} if i == at else other for i, other in enumerate(kept)])
                _, mismatches = self.found(*trust)
                self.assertEqual([part for part, _ in mismatches], ["signature"], mismatches)
                self.must("verify-signature", self.model, "--events", "--key", self.path("k.pub"), code=1)
        write_log(self.log, kept)
        self.change(2, lambda run: run["predicate"].update(startedOn="1999-01-01T00:00:00Z", finishedOn="1999-01-01T00:00:00Z"))
        _, mismatches = self.found(*trust)
        self.assertEqual(mismatches, [("signature", "line 3")])
        self.must("verify-signature", self.model, "--events", "--key", self.path("k.pub"), code=1)

    def test_unsigned_run(self):
        """a run whose signature was taken away is anybody's word, which is said"""
        trust = self.signed()
        lines = read_log(self.log)
        write_log(self.log, [*lines[:2], {**lines[2], "signatures": []}])
        report, _ = self.found(*trust, code=0)
        self.assertEqual(report["level"], "P3")
        self.assertIn("line 3 of the log, which says when", json.dumps(report["notes"]))

    def test_twice(self):
        """a signed event counts wherever its line stands; a line before it with a signature that does not hold is named"""
        trust = self.signed()
        lines = read_log(self.log)
        wrong = {**lines[1], "signatures": [{**lines[1]["signatures"][0], "sig": lines[0]["signatures"][0]["sig"]}]}
        write_log(self.log, [lines[0], wrong, *lines[1:]])
        report, mismatches = self.found(*trust)
        self.assertEqual(report["chain"][-1]["signer"], "me")
        self.assertIn("line 2 of the log", json.dumps(report["mismatches"]))
        stranger = {**lines[1], "signatures": [{"keyid": "0" * 64, "sig": lines[0]["signatures"][0]["sig"]}]}
        write_log(self.log, [lines[0], stranger, *lines[1:]])
        report, _ = self.found(*trust, code=0)
        self.assertEqual((report["level"], report["chain"][-1]["signer"]), ("P3", "me"))


class Files(Forged):
    options = ("--hash-files",)

    def forge(self, how):
        def change(statement):
            how(statement["predicate"]["files"][0])
        self.change(2, change)

    def test_run(self):
        """the size and digest that a run notes are those of the file, or the file is named"""
        kept = read_log(self.log)
        for name, how in {"size": lambda file: file.update(size=file["size"] + 1), "sha256": lambda file: file.update(sha256="e" * 64)}.items():
            with self.subTest(member=name):
                self.forge(how)
                _, mismatches = self.found()
                self.assertEqual(mismatches, [("file", "m.gguf")])
                write_log(self.log, kept)
        self.forge(lambda file: file.update(sha256="e" * 64))
        self.assertIn("e" * 64 + "  m.gguf (says its run; the file was not read)", self.must("provenance", self.model).out)

    def test_bytes_after_the_last_tensor(self):
        """a file that became longer is named, without any digest of it"""
        self.must("convert", program.LICENCE_LM, self.model, "--force")
        with open(self.model, "ab") as file:
            file.write(bytes(64))
        _, mismatches = self.found()
        self.assertEqual(mismatches, [("file", "m.gguf")])

    def test_renamed(self):
        """a renamed file is the one that the run wrote, which is said, unless it is not"""
        moved = self.path("n.gguf")
        for end in ("", ".intoto.jsonl", ".tensor-receipts.jsonl", ".metadata-ledger.json"):
            os.rename(self.model + end, moved + end)
        self.model, self.log = moved, moved + ".intoto.jsonl"
        report, mismatches = self.found(code=0)
        self.assertEqual((report["level"], mismatches), ("P2", []))
        self.assertIn("calls it", json.dumps(report["notes"]))
        self.forge(lambda file: file.update(sha256="e" * 64))
        _, mismatches = self.found()
        self.assertEqual(mismatches, [("file", "m.gguf")])

    def test_annotated(self):
        """what annotate changed is not held against the run before it"""
        self.must("annotate", self.model, "--set", "general.version=2")
        self.assertEqual(self.found(code=0)[1], [])
        self.must("annotate", self.model, "--set", "general.description=" + 9000 * "long ")
        self.assertEqual(self.found(code=0)[1], [])
        self.model = self.path("d")
        self.must("convert", program.LICENCE_LM, self.model + "/", "--hash-files")
        self.must("annotate", self.model, "--set", "license=mit")
        self.assertEqual(self.found(code=0)[1], [])
        self.log = self.path("d", "provenance.intoto.jsonl")
        self.forge(lambda file: file.update(sha256="e" * 64))
        self.assertEqual(self.found()[1], [("file", "model.safetensors")])


class Receipts(Forged):
    options = ("--quantize", "Q8_0", "--provenance", "beside")

    def forge(self, how):
        """Changes what the first receipt says of its source, and the digest of the receipts in the event and its run."""
        path = self.model + ".tensor-receipts.jsonl"
        lines = program.bytes_of(path).splitlines()
        receipt = json.loads(lines[0])
        how(receipt["in"][0])
        text = b"".join(line + b"\n" for line in (canonical(receipt), *lines[1:]))
        with open(path, "wb") as file:
            file.write(text)

        def name_receipts(event):
            for byproduct in event["predicate"]["runDetails"]["byproducts"]:
                if byproduct["name"] == "tensor-receipts.jsonl":
                    byproduct["digest"]["sha256"] = hashlib.sha256(text).hexdigest()

        def name_event(run):
            run["predicate"]["event"] = run["subject"][0]["digest"]["sha256"] = id_of(read_log(self.log)[1])
        self.change(1, name_receipts)
        self.change(2, name_event)
        return receipt["out"]["name"]

    def test_inputs(self):
        """what a receipt says of the tensor that it read is held against the source, and against the event"""
        for member, value, needs_source in (("raw", "e" * 64, True), ("digest", "e" * 64, True), ("file", "evil.bin", False)):
            with self.subTest(member=member):
                self.must("convert", program.LICENCE_LM, self.model, *self.options, "--force")
                tensor = self.forge(lambda read, key=member, text=value: read.update({key: text}))
                for more in ((), ("--source", program.LICENCE_LM), ("--source", program.LICENCE_LM, "--reproduce")):
                    is_found = bool(more) or not needs_source
                    _, mismatches = self.found(*more, code=int(is_found))
                    self.assertEqual(mismatches, [("tensor", tensor)] if is_found else [])


class Uncovered(Forged):
    options = ()

    def test_reserve(self):
        """the room for more metadata, which no digest covers, is spaces alone"""
        data = program.bytes_of(self.model)
        at = data.index(b" " * 4000)
        for text in (b"HIDDEN", b"\0"):
            with open(self.model, "wb") as file:
                file.write(data[:at] + text + data[at + len(text):])
            self.assertEqual(self.found()[1], [("key", "heirloom.reserve")])

    def test_index(self):
        """the index of shards is a file of the record like any other"""
        self.model = self.path("d")
        self.must("convert", program.LICENCE_LM, self.model + "/", "--max-shard-size", "1MB")
        index = self.path("d", "model.safetensors.index.json")
        self.found(code=0)
        data = program.bytes_of(index)
        with open(index, "wb") as file:
            file.write(data.replace(b'total_size"', b'total_evil"', 1))
        self.assertEqual(self.found()[1], [("file", "model.safetensors.index.json")])
        os.remove(index)
        self.assertIn(("file", "model.safetensors.index.json"), self.found()[1])

    def test_event_of_another_log(self):
        """`provenance` says of an event in the weights that the log beside them does not have it, as verify does"""
        self.assertNotIn("Problems", self.must("provenance", self.model).out)
        write_log(self.log, read_log(self.log)[1:])
        self.assertIn(" is in the weight file, but not in the log beside it", self.must("provenance", self.model, code=1).out)
        self.assertIn("event", [part for part, _ in self.found()[1]])


class Header(Forged):
    def test_one_tensor(self):
        """a tensor's name or its dimensions changed in the header are found, and the tensor named"""
        data = program.bytes_of(self.model)
        at = data.rindex(b"blk.0.attn_q.weight")
        end = at + len(b"blk.0.attn_q.weight")
        row, rows = (int.from_bytes(data[at:at + 8], "little") for at in (end + 4, end + 12))
        changes = {"name": data[:at] + b"blk.0.attn_x.weight" + data[end:],
                   "dimensions": data[:end + 4] + (2 * row).to_bytes(8, "little") + (rows // 2).to_bytes(8, "little") + data[end + 20:]}
        for what, changed in changes.items():
            with self.subTest(what=what):
                with open(self.model, "wb") as file:
                    file.write(changed)
                for more in ((), ("--require", "P1")):
                    report, mismatches = self.found(*more)
                    self.assertIn(("tensor", "blk.0.attn_q.weight"), mismatches)
                    self.assertFalse(report["is_last_step_unrecorded"])

    def test_another_model(self):
        """other weights of the same names were made by a step that is not recorded, and no tensor is called changed"""
        other = self.path("o.gguf")
        self.must("convert", program.LICENCE_LM, other, "--quantize", "Q8_0", "--provenance", "none")
        os.replace(other, self.model)
        report, mismatches = self.found()
        self.assertEqual((report["is_last_step_unrecorded"], mismatches), (True, []))


class SignedDirectory(Forged):
    def test_without_a_record(self):
        """model.sig of a directory without a record is checked, and what it shows is said"""
        trust = self.signed()
        self.model = self.path("d")
        self.must("convert", program.LICENCE_LM, self.model + "/", "--provenance", "none")
        self.must("sign", self.model, "--key", self.path("k"))
        report, mismatches = self.found(*trust)
        self.assertEqual((report["has_record"], mismatches), (False, []))
        self.assertIn('model.sig is valid, signed by \\"me\\"', json.dumps(report["notes"]))
        with open(self.path("d", "config.json"), "ab") as file:
            file.write(b"\n")
        self.assertEqual(self.found(*trust)[1], [("file", "config.json")])


class Damaged(Forged):
    def test_line(self):
        """a line that is no envelope, or an event that cannot be read, is told of by verify and by verify-signature"""
        trust = self.signed()
        kept = program.bytes_of(self.log)
        event = statement_of(read_log(self.log)[1])
        event["predicate"]["runDetails"]["byproducts"] = "none"
        for line in (b"garbage", json.dumps(with_statement({"payloadType": PAYLOAD_TYPE, "signatures": []}, event)).encode()):
            with open(self.log, "wb") as file:
                file.write(kept + line + b"\n")
            self.assertEqual(self.found(*trust)[1], [("log", "line 4")])
            self.must("verify-signature", self.model, "--events", "--key", self.path("k.pub"), code=1)
        with open(self.log, "wb") as file:
            file.write(kept + json.dumps({"payload": "e30=", "payloadType": "text/plain", "signatures": []}).encode() + b"\n")
        self.assertIn("line 4 of the log is somebody else's", json.dumps(self.found(*trust, code=0)[0]["notes"]))
        self.must("verify-signature", self.model, "--events", "--key", self.path("k.pub"))


program.main()
