"""Converts the checkpoints of tests/parity/golden and compares with what llama.cpp's converter made of them.

The names of the golden files say everything: ARCHITECTURE[.VARIANT]-TYPE.json. Tensors must agree in order, name, type,
shape, offset and SHA-256; metadata keys in order, type and value. Left out: keys of our own (heirloom.*), and the keys of
exceptions.json with their reasons.
"""
import glob
import json
import os
import sys

import compare_gguf
import dump_gguf
import program

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 12


def left_out_of(architecture, exceptions):
    """Keys of exceptions.json, which may name a case: "LlamaForCausalLM.hftok:tokenizer.ggml.scores"."""
    return {key.split(":")[-1] for key in exceptions if ":" not in key or key.split(":")[0] == architecture}


def compare(golden_path, exceptions):
    """Differences of one case, as lines."""
    case = os.path.basename(golden_path)[:-len(".json")]
    architecture, output_type = case.rsplit("-", 1)
    source = os.path.join(program.WORK, architecture)
    if not os.path.isdir(source):
        program.checkpoint(architecture, source)
    out = os.path.join(program.WORK, case + ".gguf")
    done = program.run("convert", source, out, "--quantize", output_type.upper(), "--force")
    if done.code != 0:
        return [f"heirloom convert: {done}"]
    with open(golden_path, encoding="utf-8") as file:
        expected = json.load(file)
    found = json.loads(json.dumps(dump_gguf.dump(out)))
    os.remove(out)
    return compare_gguf.differences(found, expected, left_out_of(architecture, exceptions))


def main():
    os.makedirs(program.WORK, exist_ok=True)
    with open(os.path.join(HERE, "exceptions.json"), encoding="utf-8") as file:
        exceptions = json.load(file)
    for key, reason in exceptions.items():
        print(f"left out: {key}: {reason}")
    cases = sorted(glob.glob(os.path.join(HERE, "golden", "*.json")))
    failed = 0
    for path in cases:
        lines = compare(path, exceptions)
        print(f"{'DIFFERENT' if lines else 'same'}: {os.path.basename(path)[:-5]}", flush=True)
        for line in lines[:SHOWN]:
            print(f"    {line}")
        if len(lines) > SHOWN:
            print(f"    and {len(lines) - SHOWN} more")
        failed += bool(lines)
    print(f"{len(cases) - failed} of {len(cases)} cases are the same")
    return 1 if failed or not cases else 0


sys.exit(main())
