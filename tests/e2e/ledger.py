"""The ledger names every metadata item of the source, whatever is in it. Checked against items that this script lists itself."""
import json
import os
import random
import shutil
import string

import dump_gguf
import program
import safetensors_file

WORDS = ["licence", "x", "a.b", "quoted\"key", "Ünïcode", "body", "front-matter", "", " space", "tab\there", "metadata:x", "file:x"]


def leaves(value, path, part):
    """Items of a JSON object: each leaf, an empty object or a list being one."""
    if not isinstance(value, dict) or not value:
        return [path] if path else []
    found = []
    for key, member in value.items():
        found += leaves(member, f"{path}.{part(key)}" if path else part(key), part)
    return found


def part(key):
    return json.dumps(key, ensure_ascii=False) if key == "" or "." in key or '"' in key else key


def covers(item, leaf):
    return leaf == item or leaf.startswith(item + ".")


def random_object(rng, depth=0):
    made = {}
    for _ in range(rng.randrange(1, 5)):
        key = rng.choice(WORDS) if rng.random() < 0.4 else "".join(rng.choices(string.ascii_lowercase, k=rng.randrange(1, 9)))
        kind = rng.randrange(6 if depth < 3 else 5)
        made[key] = [rng.randrange(99), "text", [1, {"a": 2}], None, True, random_object(rng, depth + 1) if depth < 3 else {}][kind]
    return made


class Ledger(program.Case):
    def source(self, name="source"):
        return shutil.copytree(program.LICENCE_LM, self.path(name))

    def write_json(self, folder, name, change):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
        change(value)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False)
        return value

    def items(self, source, target, *options, code=0):
        listed = json.loads(self.must("convert", source, target, "--dry-run", "--json", *options, code=code).out)["metadata"]
        names = [entry["item"] for entry in listed]
        self.assertEqual(sorted(names), sorted(set(names)), "an item is named twice")
        for entry in listed:
            self.assertTrue(entry["target"] if entry["fate"] != "dropped" else entry["reason"], entry)
        return {entry["item"]: entry for entry in listed}

    def covered(self, items, file, members):
        for leaf in leaves(members, "", part):
            hits = [item for item in items if item.startswith(file + ":") and covers(item[len(file) + 1:], leaf)]
            self.assertEqual(len(hits), 1, f"{file}:{leaf} has {hits}")

    def test_unknown_keys_of_every_kind(self):
        """unknown keys in the card, three configurations, __metadata__, and files of any name are all in the ledger, once"""
        source = self.source()
        config = self.write_json(source, "config.json", lambda c: c.update({"odd": {"deep": {"er": 1}, "a.b": 2}, "empty": {}, "": 3}))
        generation = self.write_json(source, "generation_config.json", lambda c: c.update({"odd": {"x": 1}, "top_k": 5}))
        tokenizer = self.write_json(source, "tokenizer_config.json", lambda c: c.update({"odd": {"x": 1}, "null": None}))
        with open(os.path.join(source, "README.md"), "w") as file:
            file.write("---\nlicense: mit\nodd key: {a: 1}\nbody: x\n\"a.b\": 1\nlanguage: [en]\n---\ntext\n")
        for name in ("NOTES", "odd.bin.txt", ".hidden", "LICENSE"):
            program_write(os.path.join(source, name), b"x")
        os.mkdir(os.path.join(source, "sub"))
        items = self.items(source, self.path("x.gguf"))
        self.covered(items, "config.json", config)
        self.covered(items, "generation_config.json", generation)
        self.covered(items, "tokenizer_config.json", tokenizer)
        for item in ('README.md:license', 'README.md:odd key', 'README.md:"body"', 'README.md:"a.b"', "README.md:language", "README.md:body",
                     "file:NOTES", "file:odd.bin.txt", "file:.hidden", "file:LICENSE", "file:sub/", "metadata:format"):
            self.assertIn(item, items)
        self.assertEqual(items["README.md:license"]["target"], "general.license")
        self.assertEqual(items["README.md:odd key"]["target"], "heirloom.source.card")
        self.assertEqual(items["file:LICENSE"], {"item": "file:LICENSE", "fate": "beside", "target": "x.gguf.LICENSE", "reason": "", "loss": "", "is_loss": False})

    def test_random_keys(self):
        """random nested keys in the configurations, the card and __metadata__, 25 times: each leaf has one fate"""
        for seed in range(25):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                source = self.source(f"source{seed}")
                more = random_object(rng)
                config = self.write_json(source, "config.json", lambda c: [c.setdefault(k, v) for k, v in more.items()])
                extra = random_object(rng)
                generation = self.write_json(source, "generation_config.json", lambda c: [c.setdefault(k, v) for k, v in extra.items()])
                tensors, metadata = safetensors_file.read_file(os.path.join(source, "model.safetensors"))
                metadata.update({rng.choice(WORDS) + str(i): "x" for i in range(5)})
                program_write(os.path.join(source, "model.safetensors"), safetensors_file.file_bytes(tensors, metadata))
                keys = [key for key in WORDS if key and "\t" not in key and key != " space"]
                front = "".join(f"{json.dumps(key, ensure_ascii=False)}: {rng.randrange(9)}\n" for key in rng.sample(keys, 5))
                with open(os.path.join(source, "README.md"), "w", encoding="utf-8") as file:
                    file.write(f"---\n{front}---\nx\n")
                items = self.items(source, self.path("x.gguf"))
                self.covered(items, "config.json", config)
                self.covered(items, "generation_config.json", generation)
                for key in metadata:
                    self.assertIn("metadata:" + key, items)
                self.assertEqual(sum(item.startswith("README.md:") for item in items), 6)
                as_is = self.items(source, self.path("x.safetensors"), "--as-is")
                for name in os.listdir(source):
                    self.assertTrue(name == "model.safetensors" or "file:" + name in as_is, name)
                shutil.rmtree(source)

    def test_keys_of_a_gguf(self):
        """each key of a GGUF is in the ledger on the way to a directory, to another GGUF, and to a container without metadata"""
        gguf = self.path("x.gguf")
        self.must("convert", self.source(), gguf)
        record = {"heirloom.version", "heirloom.events", "heirloom.head", "heirloom.reserve"}  # goes on in the output's own
        names = [entry["key"] for entry in dump_gguf.dump(gguf)["kv"] if entry["key"] not in record]
        self.assertIn("heirloom.source.config", names)
        for target, options, code in ((self.path("back"), [], 0), (self.path("y.gguf"), ["--quantize", "Q8_0"], 0),
                                      (self.path("y.npz"), ["--allow-loss"], 0)):
            items = self.items(gguf, target, *options, code=code)
            for name in names:
                self.assertIn("key:" + name, items, target)

    def test_losses(self):
        """a licence folder, and a licence in a container without metadata, ask for --allow-loss; what else is dropped does not"""
        source = self.source()
        program_write(os.path.join(source, "notes.txt"), b"x")
        self.must("convert", source, self.path("a.gguf"))
        os.mkdir(os.path.join(source, "LICENSES"))
        refused = self.must("convert", source, self.path("b.gguf"), code=3)
        self.assertIn('would lose "file:LICENSES/"', refused.err)
        self.assertNotIn("notes.txt", refused.err)
        done = self.must("convert", source, self.path("b.gguf"), "--allow-loss")
        self.assertIn('lost "file:LICENSES/"', done.err)
        os.rmdir(os.path.join(source, "LICENSES"))
        with open(os.path.join(source, "README.md"), "w") as file:
            file.write("---\nlicense: mit\nauthor: A\nbase_model: b/c\ndatasets: d/e\n---\n")
        self.must("convert", source, self.path("c.gguf"))
        refused = self.must("convert", self.path("c.gguf"), self.path("c.npz"), code=3)
        for key in ("general.license", "general.author", "general.base_model.0.name", "general.dataset.0.name"):
            self.assertIn(f'would lose "key:{key}"', refused.err)


def program_write(path, data):
    with open(path, "wb") as file:
        file.write(data)


program.main()
