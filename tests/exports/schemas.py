"""Our exports satisfy the schemas that others wrote, for every kind of checkpoint; and the judges are awake."""
import json
import os
import shutil
import unittest

import exports_case
import program
from exports_case import FORMATS, SPDX_SCHEMAS, text

HAS_SPDX = os.path.isdir(SPDX_SCHEMAS)
LEFT_OUT = f"3 checks are left out: the official SPDX schemas are not in {SPDX_SCHEMAS}"


def change(path, edit):
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    edit(value)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


class Schemas(exports_case.ExportsCase):
    made = {}  # format -> exports, which all tests share

    def exports(self, format):
        """One export of each kind of checkpoint."""
        if format not in self.made:
            self.made[format] = self.make_exports(format)
        return self.made[format]

    def make_exports(self, format):
        chained, _ = self.chained()
        changed = self.with_keys("changed.gguf")
        shutil.copy(chained + ".intoto.jsonl", changed + ".intoto.jsonl")
        subjects = {"directory": program.LICENCE_LM, "converted": self.gguf, "chain": chained, "changed": changed,
                    "bare": self.with_keys("bare.gguf"), "hostile": self.hostile(),
                    "custom-licence": self.with_keys("custom.gguf", text("general.license", "llama3.1"), text("general.name", "x"))}
        return {name: self.export(path, format, os.path.join(program.WORK, f"{name}-{format}.json")) for name, path in subjects.items()}

    def test_cyclonedx_1_6(self):
        """CycloneDX 1.6: the strict validator of cyclonedx-library takes every export"""
        self.must_please("cyclonedx-1.6", *self.exports("cyclonedx-1.6").values())

    def test_cyclonedx_1_7(self):
        """CycloneDX 1.7: the strict validator of cyclonedx-library takes every export"""
        self.must_please("cyclonedx-1.7", *self.exports("cyclonedx-1.7").values())

    def test_references(self):
        """CycloneDX: each bom-ref is there once, each reference has one, and each citation points at something"""
        for name, path in self.exports("cyclonedx-1.7").items():
            with self.subTest(name):
                bom = self.json_of(path)
                names, references = [], []

                def walk(value):
                    if isinstance(value, dict):
                        names.extend([value["bom-ref"]] if "bom-ref" in value else [])
                        references.extend(value[key] for key in ("ref", "attributedTo", "process") if key in value)
                        for inner in value.values():
                            walk(inner)
                    elif isinstance(value, list):
                        for inner in value:
                            walk(inner)
                walk(bom)
                self.assertEqual(len(names), len(set(names)))
                self.assertLessEqual(set(references), set(names))
                for citation in bom.get("citations", []):
                    here = bom
                    for part in citation["pointers"][0].split("/")[1:]:
                        here = here[int(part)] if isinstance(here, list) else here[part]

    def test_the_cyclonedx_judge_is_awake(self):
        """CycloneDX: a wrong type, an unknown member and a wrong digest are noticed"""
        for version in ("1.6", "1.7"):
            for edit in (lambda bom: bom["metadata"]["component"].update(type="weights"), lambda bom: bom.update(more=1),
                         lambda bom: bom["metadata"]["component"].update(hashes=[{"alg": "SHA-256", "content": "12"}])):
                path = self.export(program.LICENCE_LM, "cyclonedx-" + version, "edited.json")
                change(path, edit)
                self.assertNotEqual(self.judge("cyclonedx-" + version, path)[path], "")

    @unittest.skipUnless(HAS_SPDX, LEFT_OUT)
    def test_spdx_schema(self):
        """SPDX 3.0.1: the official JSON schema takes every export"""
        self.must_please("spdx-schema", *self.exports("spdx-3.0.1").values())

    @unittest.skipUnless(HAS_SPDX, LEFT_OUT)
    def test_spdx_shapes(self):
        """SPDX 3.0.1: every export conforms to the official SHACL shapes"""
        self.must_please("spdx-shapes", *self.exports("spdx-3.0.1").values())

    @unittest.skipUnless(HAS_SPDX, LEFT_OUT)
    def test_the_spdx_judges_are_awake(self):
        """SPDX: a misspelt member fails the schema, a relationship of an unknown type and a missing one fail the shapes"""
        path = self.export(program.LICENCE_LM, "spdx-3.0.1", "misspelt.json")
        change(path, lambda document: document["@graph"][5].update(verifyUsing=[]))
        self.assertNotEqual(self.judge("spdx-schema", path)[path], "")

        def lose_licence(document):
            for element in document["@graph"]:
                element.pop("simplelicensing_licenseExpression", None)
        path = self.export(program.LICENCE_LM, "spdx-3.0.1", "without.json")
        change(path, lose_licence)
        self.assertNotEqual(self.judge("spdx-shapes", path)[path], "")

    def test_licences(self):
        """every licence in every export is a valid SPDX expression; what the hub calls a licence often is not"""
        expressions = set()
        for format in FORMATS:
            for path in self.exports(format).values():
                def walk(value):
                    if isinstance(value, dict):
                        expressions.update(value[key] for key in ("expression", "simplelicensing_licenseExpression") if key in value)
                        for inner in value.values():
                            walk(inner)
                    elif isinstance(value, list):
                        for inner in value:
                            walk(inner)
                walk(self.json_of(path))
        self.assertGreaterEqual(len(expressions), 3, expressions)
        self.must_please("licences", self.write("licences", "\n".join(sorted(expressions)).encode()))
        wrong = self.write("wrong", b"apache-2.0\nllama3.1\n")
        self.assertNotEqual(self.judge("licences", wrong)[wrong], "")

    def test_pictures(self):
        """Graphviz draws the graph of every checkpoint, and none of its texts is more than a text"""
        chained, _ = self.chained()
        drawn = []
        for i, path in enumerate((program.LICENCE_LM, chained, self.hostile())):
            done = program.run("provenance", path, "--format", "dot")
            self.assertIn(done.code, (0, 1), done)
            self.assertNotRegex(done.out, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
            self.assertNotRegex(done.out, r"^\s*evil ", "a text became a node")
            drawn.append(self.write(f"{i}.dot", done.out.encode()))
        self.must_please("dot", *drawn)
        wrong = self.write("wrong.dot", b'digraph { a [label="x"y"] }')
        self.assertNotEqual(self.judge("dot", wrong)[wrong], "")

    def test_the_same_again(self):
        """two exports of the same checkpoint are the same bytes; SOURCE_DATE_EPOCH is their time"""
        chained, _ = self.chained()
        for format in FORMATS + ("slsa",):
            with self.subTest(format):
                first, second = (program.bytes_of(self.export(chained, format, name)) for name in ("1", "2"))
                self.assertEqual(first, second)
                self.assertIn(b"2026-08-25T09:01:30Z", first)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}
        for format, place in (("cyclonedx-1.6", "timestamp"), ("spdx-3.0.1", "created")):
            done = self.must("export", chained, "--format", format, env=environment)
            self.assertIn(f'"{place}": "2001-09-09T01:46:40Z"', done.out)


if __name__ == "__main__":
    program.main()
