"""Converts the checkpoints of tests/parity/golden and compares with what llama.cpp's converter made of them.

The names of the golden files say everything: ARCHITECTURE[.VARIANT]-TYPE.json. Tensors must agree in order, name, type,
shape, offset and SHA-256; metadata keys in order, type and value. Left out: keys of our own (heirloom.*), and the keys of
exceptions.json with their reasons.
"""
import glob
import json
import os
import sys

import dump_gguf
import program

HERE = os.path.dirname(os.path.abspath(__file__))
TENSOR_FIELDS = ("ggml_type", "shape", "offset", "nbytes", "sha256")
SHOWN = 12


def compared_keys(manifest, exceptions):
    return [entry for entry in manifest["kv"] if not entry["key"].startswith("heirloom.") and entry["key"] not in exceptions]


def differences_of_keys(found, expected):
    names = [entry["key"] for entry in expected]
    have = [entry["key"] for entry in found]
    yield from (f"key {name} is missing" for name in names if name not in have)
    yield from (f"key {name} is not in the reference" for name in have if name not in names)
    if sorted(names) == sorted(have) and names != have:
        place = next(i for i, pair in enumerate(zip(have, names)) if pair[0] != pair[1])
        yield f"keys in another order from number {place} on: {have[place]}, expected {names[place]}"
    expected = {entry["key"]: entry for entry in expected}
    for entry in found:
        if entry["key"] in expected and entry != expected[entry["key"]]:
            yield f"key {entry['key']}: {json.dumps(entry)[:300]}, expected {json.dumps(expected[entry['key']])[:300]}"


def differences_of_tensors(found, expected):
    names, have = [t["name"] for t in expected], [t["name"] for t in found]
    yield from (f"tensor {name} is missing" for name in names if name not in have)
    yield from (f"tensor {name} is not in the reference" for name in have if name not in names)
    if sorted(names) == sorted(have) and names != have:
        place = next(i for i, pair in enumerate(zip(have, names)) if pair[0] != pair[1])
        yield f"tensors in another order from number {place} on: {have[place]}, expected {names[place]}"
    expected = {tensor["name"]: tensor for tensor in expected}
    for tensor in found:
        other = expected.get(tensor["name"], tensor)
        for field in TENSOR_FIELDS:
            if tensor[field] != other[field]:
                yield f"tensor {tensor['name']}: {field} {tensor[field]}, expected {other[field]}"


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
    lines = [f"{name} is {found[name]}, expected {expected[name]}" for name in ("version", "alignment") if found[name] != expected[name]]
    lines += differences_of_keys(compared_keys(found, exceptions), compared_keys(expected, exceptions))
    lines += differences_of_tensors(found["tensors"], expected["tensors"])
    return lines


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
