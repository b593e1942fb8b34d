"""Licences: what a checkpoint says, as SPDX; the texts that travel with every output. npm's spdx-expression-validate judges."""
import json
import os
import re
import shutil
import subprocess
import unittest

import dump_gguf
import program
import safetensors_file

TABLE = os.path.join(program.SOURCE, "formats/licences/licences.json")
HUB_PAGE = os.path.normpath(os.path.join(program.SOURCE, "../shared/fixtures/provenance/hf-hub-docs/docs/hub/repositories-licenses.md"))
NPM = os.environ["HEIRLOOM_NPM_DIR"]
COMMON = "/usr/share/common-licenses"
MIT = ("MIT License\n\nCopyright (c) 2026 Somebody\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this "
       "software and associated documentation files (the \"Software\"), to deal in the Software without restriction, subject to the "
       "following\nconditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial "
       "portions of the Software.\n")


def invalid(expressions):
    """Those that are no SPDX expression to npm's validator."""
    script = ('const valid = require("spdx-expression-validate");'
              'console.log(JSON.stringify(JSON.parse(process.argv[1]).filter(e => !valid(e))))')
    done = subprocess.run(["node", "-e", script, json.dumps(expressions)], check=True, stdout=subprocess.PIPE,
                          env={**os.environ, "NODE_PATH": os.path.join(NPM, "node_modules")})
    return json.loads(done.stdout)


def table():
    with open(TABLE, encoding="utf-8") as file:
        return json.load(file)["licences"]


class Licences(program.Case):
    def setUp(self):
        super().setUp()
        self.source = shutil.copytree(program.LICENCE_LM, self.path("source"))
        for name in ("LICENSE", "README.md"):
            if os.path.exists(os.path.join(self.source, name)):
                os.remove(os.path.join(self.source, name))

    def put(self, name, text):
        with open(os.path.join(self.source, name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def card(self, front, body="# Title\n"):
        self.put("README.md", f"---\n{front}\n---\n{body}")

    def says(self, code=0, path=None):
        return self.must_json("licence", path or self.source, "--json", code=code)

    def needs_validator(self):
        if not os.path.isdir(os.path.join(NPM, "node_modules/spdx-expression-validate")):
            raise unittest.SkipTest("spdx-expression-validate is absent: expressions not checked (tests/install_deps.sh test DIR)")

    def test_every_expression_is_spdx(self):
        """every expression of the table, and what is made of odd words in a card, is valid SPDX to npm's validator"""
        self.needs_validator()
        self.assertEqual(invalid(["MIT AND", "No-Such-Licence"]), ["MIT AND", "No-Such-Licence"])
        expressions = [row["spdx"] for row in table()]
        self.assertGreater(len(expressions), 100)
        for said in ("license: mit", "license: [mit, apache-2.0]", "license: GPL-3.0-or-later WITH Bison-exception-2.2", "license: what is this?",
                     "license: (MIT OR Apache-2.0)", "license: other\nlicense_name: tongyi-qianwen", "license: other\nlicense_name: Ünsere Lizenz",
                     "license: other", "license: '...'", "license: 'mit, (MIT OR ISC)'", "license: mit or apache", "license: " + "x" * 500):
            self.card(said)
            expressions.append(self.says()["spdx"])
        self.assertEqual(invalid(expressions), [])

    def test_every_id_of_the_hub(self):
        """all 83 identifiers of the hub's page are in the table"""
        ids = {row["id"] for row in table() if "id" in row}
        self.assertEqual(len(ids), 83)
        if not os.path.exists(HUB_PAGE):
            raise unittest.SkipTest("the hub's page is absent: 83 identifiers counted, not compared")
        with open(HUB_PAGE, encoding="utf-8") as file:
            self.assertEqual(ids, set(re.findall(r"\| `([^`]+)` ", file.read())))

    def test_what_each_place_says(self):
        """card, container and text are told apart; the same licence in all of them is clear"""
        self.card("license: mit")
        self.put("LICENSE", MIT)
        said = self.says()
        self.assertEqual(said["spdx"], "MIT")
        self.assertEqual([(c["place"], c["spdx"]) for c in said["claims"]], [("README.md:license", "MIT"), ("file:LICENSE", "MIT")])
        self.assertEqual(said["findings"], [])
        self.must("convert", self.source, self.path("x.gguf"))
        said = self.says(path=self.path("x.gguf"))
        self.assertEqual([(c["place"], c["spdx"]) for c in said["claims"]],
                         [("key:heirloom.source.card#license", "MIT"), ("key:general.license", "MIT"), ("file:x.gguf.LICENSE", "MIT")])

    def test_conflicts(self):
        """a card that says one licence and a text that is another's is a conflict; none at all is an answer of no, too"""
        self.put("LICENSE", MIT)
        self.card("license: apache-2.0")
        said = self.says(code=1)
        self.assertEqual([f["kind"] for f in said["findings"]], ["conflict", "missing"])
        self.assertIn("README.md:license says Apache-2.0, file:LICENSE says MIT", said["findings"][0]["text"])
        for vague in ("license: other", "license: unknown"):
            self.card(vague)
            self.assertEqual(self.says()["spdx"], "MIT")
        os.remove(os.path.join(self.source, "LICENSE"))
        os.remove(os.path.join(self.source, "README.md"))
        self.assertEqual([f["kind"] for f in self.says(code=1)["findings"]], ["none"])

    def test_texts_are_recognised(self):
        """Debian's licence texts are recognised for what they are, whole and rewrapped"""
        wanted = {"Apache-2.0": "Apache-2.0", "GPL-2": "GPL-2.0-only", "GPL-3": "GPL-3.0-only", "LGPL-2.1": "LGPL-2.1-only",
                  "LGPL-3": "LGPL-3.0-only", "MPL-2.0": "MPL-2.0", "CC0-1.0": "CC0-1.0", "BSD": "BSD-3-Clause"}
        tried = 0
        for name, spdx in wanted.items():
            path = os.path.join(COMMON, name)
            if not os.path.exists(path):
                continue
            text = program.bytes_of(path).decode()
            for form in (text, " ".join(text.split()), text.replace("\n", "\r\n")):
                self.put("LICENSE", form)
                self.assertEqual(self.says()["spdx"], spdx, name)
            tried += 1
        print(f"{tried} texts", end=" ")

    def test_duties(self):
        """Llama's licence wants its notice, its policy, "Built with Llama" and a name that begins so; what is missing is said"""
        self.card("license: llama3.1\nmodel_name: My Model")
        said = self.says()
        duties = {duty["what"]: duty["detail"] for duty in said["travels"]}
        self.assertEqual(duties["attribution"], "Built with Llama")
        self.assertIn("Llama 3.1 Community License", duties["notice"])
        self.assertEqual(sorted(f["kind"] for f in said["findings"]), ["missing", "missing", "name"])
        self.put("LICENSE", "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024\n")
        self.put("NOTICE", "notice")
        self.put("USE_POLICY.md", "policy")
        self.card("license: llama3.1\nmodel_name: Llama My Model")
        said = self.says()
        self.assertEqual(said["findings"], [])
        self.assertEqual({duty["what"]: duty["found"] for duty in said["travels"] if duty["found"]},
                         {"text": "LICENSE", "notice": "NOTICE", "policy": "USE_POLICY.md"})

    def test_whose_text(self):
        """a text that is known to be of another licence is not the one that has to travel; of two to choose from, one text is enough"""
        self.put("LICENSE", program.bytes_of(os.path.join(program.SOURCE, "LICENSE")).decode())
        for said, found, missing in (("mit", {"MIT": ""}, 1), ("(MIT OR Apache-2.0)", {"MIT": "", "Apache-2.0": "LICENSE"}, 0),
                                     ("(MIT OR ISC)", {"MIT": "", "ISC": ""}, 1)):
            self.card(f"license: {said}")
            report = json.loads(program.run("licence", self.source, "--json").out)
            self.assertEqual({duty["licence"]: duty["found"] for duty in report["travels"] if duty["what"] == "text"}, found, report)
            self.assertEqual(sum(one["kind"] == "missing" for one in report["findings"]), missing, report)

    def test_broken_front_matter(self):
        """front matter that cannot be read is told"""
        self.put("README.md", "---\nlicense: [mit\n---\nText\n")
        self.assertIn("broken", [one["kind"] for one in json.loads(program.run("licence", self.source, "--json").out)["findings"]])

    def test_texts_travel(self):
        """licence, notice, policy and card go to a GGUF, to another GGUF, to a directory and to one safetensors file, byte for byte"""
        texts = {"LICENSE.txt": b"some licence\r\n\xc3\xa9\n", "NOTICE": b"a notice", "USE_POLICY.md": b"# policy\n", "COPYING": b"\xff\xfe not UTF-8"}
        for name, data in texts.items():
            self.put(name, data)
        self.card("license: mit # why not\nodd: [1,2]\nlanguage:\n- no", "Text\twith  spaces\r\nand no end")
        card = program.bytes_of(os.path.join(self.source, "README.md"))
        self.must("convert", self.source, self.path("x.gguf"))
        self.must("convert", self.path("x.gguf"), self.path("y.gguf"), "--quantize", "Q8_0")
        keys = {entry["key"]: entry.get("value") for entry in dump_gguf.dump(self.path("y.gguf"))["kv"]}
        self.assertEqual(keys["heirloom.license_text"], "some licence\r\n\u00e9\n")
        self.assertEqual(keys["heirloom.source.card"].encode(), card)
        alone = self.path("alone.gguf")
        shutil.copy(self.path("y.gguf"), alone)
        for gguf in (self.path("x.gguf"), self.path("y.gguf")):
            for name, data in texts.items():
                self.assertEqual(program.bytes_of(f"{gguf}.{name}"), data)
        for gguf in (self.path("y.gguf"), alone):
            back = self.path("back-" + os.path.basename(gguf).split(".")[0])
            self.must("convert", gguf, back)
            for name, data in {**texts, "README.md": card}.items():
                if name == "COPYING" and gguf == alone:
                    self.must_not_exist(os.path.join(back, name))
                else:
                    self.assertEqual(program.bytes_of(os.path.join(back, name)), data, name)
        self.must("convert", self.source, self.path("one.safetensors"))
        _, metadata = safetensors_file.read_file(self.path("one.safetensors"))
        self.assertEqual(metadata["heirloom.source.card"].encode(), card)
        self.must("convert", self.path("one.safetensors"), self.path("dir/"))
        self.assertEqual(program.bytes_of(self.path("dir/README.md")), card)
        self.assertEqual(program.bytes_of(self.path("dir/NOTICE")), texts["NOTICE"])

    def test_large_texts_lie_beside(self):
        """a card and a licence above 64 KiB are not embedded: they lie beside the file, and come back"""
        self.put("LICENSE", "x" * 70_000)
        self.card("license: mit", "y" * 70_000)
        card = program.bytes_of(os.path.join(self.source, "README.md"))
        self.must("convert", self.source, self.path("x.gguf"))
        keys = {entry["key"] for entry in dump_gguf.dump(self.path("x.gguf"))["kv"]}
        self.assertFalse(keys & {"heirloom.license_text", "heirloom.source.card", "heirloom.source.legal_files"})
        self.assertEqual(program.bytes_of(self.path("x.gguf.README.md")), card)
        self.must("convert", self.path("x.gguf"), self.path("back"))
        self.assertEqual(program.bytes_of(self.path("back/README.md")), card)
        self.assertEqual(os.path.getsize(self.path("back/LICENSE")), 70_000)

    def test_an_output_in_the_source(self):
        """a GGUF inside the source's directory is written again with --force, and its texts are not the source's"""
        self.put("LICENSE", MIT)
        gguf = os.path.join(self.source, "model.gguf")
        self.must("convert", self.source, gguf)
        self.must("convert", self.source, gguf, "--from", "safetensors", "--force")
        self.assertEqual(sorted(name for name in os.listdir(self.source) if name.endswith("LICENSE")), ["LICENSE", "model.gguf.LICENSE"])

    def test_a_changed_key_wins(self):
        """where the GGUF's licence was changed since, the card that comes back says so in that line, and is otherwise the same"""
        self.card("license: mit # why not\nodd: [1,2]")
        card = program.bytes_of(os.path.join(self.source, "README.md"))
        self.must("convert", self.source, self.path("x.gguf"))
        data = program.bytes_of(self.path("x.gguf"))
        key = b"general.license" + (8).to_bytes(4, "little") + (3).to_bytes(8, "little")
        self.assertEqual(data.count(key + b"mit"), 1)
        self.write("x.gguf", data.replace(key + b"mit", key + b"isc"))
        done = self.must("convert", self.path("x.gguf"), self.path("back"))
        self.assertIn("README.md says what the GGUF's keys say now: general.license", done.err)
        self.assertEqual(program.bytes_of(self.path("back/README.md")), card.replace(b"mit # why not", b"isc"))


program.main()
