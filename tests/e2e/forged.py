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


program.main()
