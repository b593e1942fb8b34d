"""Differences of two GGUF files, given as manifests of dump_gguf.py: lines that name what differs, none where nothing does."""
import json

TENSOR_FIELDS = ("ggml_type", "shape", "offset", "nbytes", "sha256")


def compared_keys(manifest, left_out=()):
    """Metadata without our own keys (heirloom.*) and those in `left_out`."""
    return [entry for entry in manifest["kv"] if not entry["key"].startswith("heirloom.") and entry["key"] not in left_out]


def differences_of_names(what, have, names, in_order):
    yield from (f"{what} {name} is missing" for name in names if name not in have)
    yield from (f"{what} {name} is not in the reference" for name in have if name not in names)
    if in_order and sorted(names) == sorted(have) and names != have:
        place = next(i for i, pair in enumerate(zip(have, names)) if pair[0] != pair[1])
        yield f"{what}s in another order from number {place} on: {have[place]}, expected {names[place]}"


def differences_of_keys(found, expected, in_order=True):
    names = [entry["key"] for entry in expected]
    yield from differences_of_names("key", [entry["key"] for entry in found], names, in_order)
    expected = {entry["key"]: entry for entry in expected}
    for entry in found:
        if entry["key"] in expected and entry != expected[entry["key"]]:
            yield f"key {entry['key']}: {json.dumps(entry)[:300]}, expected {json.dumps(expected[entry['key']])[:300]}"


def differences_of_tensors(found, expected, in_order=True):
    names = [tensor["name"] for tensor in expected]
    yield from differences_of_names("tensor", [tensor["name"] for tensor in found], names, in_order)
    expected = {tensor["name"]: tensor for tensor in expected}
    for tensor in found:
        other = expected.get(tensor["name"], tensor)
        for field in TENSOR_FIELDS:
            if tensor[field] != other[field] and (in_order or field != "offset"):
                yield f"tensor {tensor['name']}: {field} {tensor[field]}, expected {other[field]}"


def differences(found, expected, left_out=(), in_order=True):
    """`in_order` False: the files hold the same, in whatever order."""
    lines = [f"{name} is {found[name]}, expected {expected[name]}" for name in ("version", "alignment") if found[name] != expected[name]]
    lines += differences_of_keys(compared_keys(found, left_out), compared_keys(expected, left_out), in_order)
    lines += differences_of_tensors(found["tensors"], expected["tensors"], in_order)
    return lines
