"""Statements and canonical JSON, read by protobuf's strict JSON reader and by npm's canonicalize.

Looks at the events, runs and lineage statements that conversions write, and at the SLSA export.
"""
import base64
import importlib
import json
import os
import subprocess
import sys

import exports_case
import made_log
import program

MESSAGES = {"https://slsa.dev/provenance/v1": "ProvenanceStatement", made_log.NS + "lineage/v1": "LineageStatement",
            made_log.NS + "run/v1": "RunStatement"}


def known_types():
    """Protobuf's own messages that statements.proto imports, so that protoc needs no files of a C++ library."""
    from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2
    descriptors = descriptor_pb2.FileDescriptorSet()
    for module in (struct_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(descriptors.file.add())
    return descriptors.SerializeToString()


def payloads_of(path):
    with open(path, encoding="utf-8") as log:
        return [base64.b64decode(json.loads(line)["payload"]).decode() for line in log]


class Statements(exports_case.ExportsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(program.WORK, "proto")
        os.makedirs(folder, exist_ok=True)
        known = os.path.join(folder, "known.pb")
        with open(known, "wb") as file:
            file.write(known_types())
        subprocess.run(["protoc", "--descriptor_set_in", known, "--proto_path", exports_case.HERE, "--python_out", folder,
                        "statements.proto"], check=True)
        sys.path.insert(0, folder)
        cls.messages = importlib.import_module("statements_pb2")

    def parse(self, payload):
        from google.protobuf import json_format
        kind = json.loads(payload)["predicateType"]
        return json_format.Parse(payload, getattr(self.messages, MESSAGES[kind])())

    def test_slsa_export(self):
        """the SLSA export is one statement that strict protobuf reads, with the run's times, programs, and the file's SHA-256"""
        path, _ = self.chained()
        message = self.parse(self.must("export", path, "--format", "slsa").out)
        self.assertEqual(message.subject[0].digest["sha256"], program.sha256_of(path))
        self.assertEqual(message.subject[0].digest["weightStoredRootV1"], "31" * 32)
        details = message.predicate.run_details
        self.assertEqual(details.metadata.finished_on.ToJsonString(), "2026-08-25T09:01:30Z")
        self.assertEqual([tool.name for tool in details.builder.builder_dependencies], ["heirloom", "heirloom_gguf"])
        self.assertEqual(message.predicate.build_definition.external_parameters["options"]["imatrix"], "yes")
        self.assertEqual(message.predicate.build_definition.internal_parameters["threads"], "2")
        self.assertEqual(details.builder.version["heirloom"], "0.1.0")

    def test_the_reader_is_strict(self):
        """a member that SLSA does not know is noticed"""
        from google.protobuf import json_format
        path, _ = self.chained()
        statement = json.loads(self.must("export", path, "--format", "slsa").out)
        statement["predicate"]["runDetails"]["heirloom_more"] = "x"
        with self.assertRaises(json_format.ParseError):
            self.parse(json.dumps(statement))

    def test_made_by_hand(self):
        """the statements that these tests make by hand are of the form, too"""
        for statement in self.chained()[1].statements:
            self.parse(made_log.canonical(statement))

    def logs_of_conversions(self):
        """Logs that conversions wrote: of one step and of two."""
        half = self.path("half.gguf")
        self.must("convert", program.LICENCE_LM, half, "--quantize", "F16")
        small = self.path("small.gguf")
        self.must("convert", half, small, "--quantize", "Q8_0")
        folder = self.path("shards")
        self.must("convert", program.LICENCE_LM, folder, "--to", "safetensors", "--max-shard-size", "1MiB")
        return [log for log in (half + ".intoto.jsonl", small + ".intoto.jsonl", os.path.join(folder, "provenance.intoto.jsonl"))
                if os.path.exists(log)]

    def test_conversions(self):
        """every statement of a conversion's log is read by strict protobuf, and its payload is what canonicalize makes of it"""
        logs = self.logs_of_conversions()
        self.assertEqual(len(logs), 3, "conversions wrote no logs")
        kinds = set()
        for log in logs:
            payloads = payloads_of(log)
            for payload in payloads:
                kinds.add(json.loads(payload)["predicateType"])
                self.parse(payload)
            self.must_please("canonical", self.write(os.path.basename(log) + ".payloads", "\n".join(payloads).encode()))
        self.assertEqual(kinds, set(MESSAGES))

    def test_canonical_slsa(self):
        """the SLSA export is canonical JSON, and the judge of that is awake"""
        path, _ = self.chained()
        self.must_please("canonical", self.export(path, "slsa", "slsa.json"))
        wrong = self.write("wrong", b'{"b":1,"a":2}\n')
        self.assertNotEqual(self.judge("canonical", wrong)[wrong], "")


if __name__ == "__main__":
    program.main()
