"""An independent reader's identity of a GGUF file or a directory of safetensors, from formats/facts/provenance.md#identity and the
formats' own definitions alone. weight_identity.py PATH prints the roots and digests as JSON."""
import glob
import hashlib
import json
import os
import struct
import sys

import numpy as np

NUMBERS = {0: "u8", 1: "i8", 2: "u16", 3: "i16", 4: "u32", 5: "i32", 6: "f32", 7: "bool", 10: "u64", 11: "i64", 12: "f64"}
WIDTHS = {"u8": 1, "i8": 1, "bool": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "f32": 4, "u64": 8, "i64": 8, "f64": 8}
GGML = {0: ("f32", 1, 4), 1: ("f16", 1, 2), 2: ("ggml:q4_0", 32, 18), 8: ("ggml:q8_0", 32, 34), 12: ("ggml:q4_k", 256, 144), 14: ("ggml:q6_k", 256, 210),
        26: ("i32", 1, 4), 30: ("bf16", 1, 2)}
DTYPES = {"F8_E4M3": "f8_e4m3fn", "F8_E5M2": "f8_e5m2"}


def H(data):
    return hashlib.sha256(data).digest()


def content(path):
    with open(path, "rb") as file:
        return file.read()


def read_gguf(path):
    data, at = content(path), 24

    def take(layout):
        nonlocal at
        at += struct.calcsize("<" + layout)
        return struct.unpack_from("<" + layout, data, at - struct.calcsize("<" + layout))

    def string():
        size, = take("Q")
        return take(f"{size}s")[0]

    def value(kind):  # type and bytes, as leaves of the metadata root have them
        if kind == 8:
            return b"string", string()
        if kind != 9:
            return NUMBERS[kind].encode(), take(f"{WIDTHS[NUMBERS[kind]]}s")[0]
        inner, count = take("IQ")
        parts = [value(inner) for _ in range(count)]
        name = b"string" if inner == 8 else NUMBERS[inner].encode()
        return b"array:" + name, struct.pack("<Q", count) + b"".join((struct.pack("<Q", len(p)) if inner == 8 else b"") + p for _, p in parts)
    tensor_count, attr_count = struct.unpack_from("<QQ", data, 8)
    attrs = {}
    for _ in range(attr_count):
        key = string()
        attrs[key] = value(*take("I"))
    infos = []
    for _ in range(tensor_count):
        name = string()
        shape = take(f"{take('I')[0]}Q")[::-1]
        infos.append((name, shape, *take("IQ")))
    alignment = struct.unpack("<I", attrs.get(b"general.alignment", (b"", b"\x20\0\0\0"))[1])[0]
    start = -(-at // alignment) * alignment
    tensors = {}
    for name, shape, kind, offset in infos:
        encoding, elements, size = GGML[kind]
        count = int(np.prod(shape, dtype=np.uint64)) // elements * size
        tensors[name] = (encoding, shape, data[start + offset:start + offset + count])
    return tensors, attrs


def read_safetensors(folder):
    tensors, attrs = {}, {}
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        data = content(path)
        size, = struct.unpack_from("<Q", data)
        header = json.loads(data[8:8 + size])
        attrs.update({key.encode(): (b"string", text.encode()) for key, text in header.pop("__metadata__", {}).items()})
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            tensors[name.encode()] = (DTYPES.get(entry["dtype"], entry["dtype"].lower()), entry["shape"], data[8 + size + begin:8 + size + end])
    return tensors, attrs


def canonical(encoding, data):
    """Class and canonical bytes; None for blocks."""
    if encoding.startswith("ggml:"):
        return None
    if encoding == "bool":
        return "bool", bytes(byte != 0 for byte in data)
    if encoding == "bf16":
        numbers = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif encoding in ("f16", "f32", "f64"):
        numbers = np.frombuffer(data, "<f" + str(int(encoding[1:]) // 8))
    else:
        numbers = np.frombuffer(data, "<" + encoding[0] + str(int(encoding[1:]) // 8))
        kind = "u64" if (numbers > 2**63 - 1).any() else "i64"
        return kind, numbers.astype("<" + kind[0] + "8").tobytes()
    with np.errstate(all="ignore"):
        narrow = numbers.astype("<f4")
    if ((narrow == numbers) | np.isnan(numbers)).all():
        return "f32", np.where(np.isnan(narrow), np.array(0x7fc00000, "<u4"), narrow.view("<u4")).astype("<u4").tobytes()
    return "f64", np.where(np.isnan(numbers), np.array(0x7ff8 << 48, "<u8"), numbers.view("<u8")).astype("<u8").tobytes()


def described(prefix, kind, shape, content):
    shape = list(shape)
    while shape[:1] == [1]:
        del shape[0]
    return H(prefix + b"\0" + bytes([len(kind)]) + kind.encode() + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) + content)


def tree(leaves):
    if len(leaves) < 2:
        return H(b"\0" + leaves[0]) if leaves else H(b"")
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return H(b"\1" + tree(leaves[:half]) + tree(leaves[half:]))


def named(items):
    return tree([struct.pack("<I", len(name)) + name + digest for name, digest in sorted(items.items())])


def identity(path):
    tensors, attrs = read_safetensors(path) if os.path.isdir(path) else read_gguf(path)
    digests = {name: described(b"wtd1", encoding, shape, H(data)) for name, (encoding, shape, data) in tensors.items()}
    values = {}
    for name, (encoding, shape, data) in tensors.items():
        if made := canonical(encoding, data):
            values[name] = described(b"wtv1", made[0], shape, H(made[1]))
    own = (b"heirloom.events", b"heirloom.head", b"heirloom.reserve")
    metadata = {key: H(kind + b"\0" + data) for key, (kind, data) in attrs.items() if key not in own}
    complete = len(values) == len(tensors)
    return {"weightStoredRootV1": named(digests).hex(), "metadataRootV1": named(metadata).hex(),
            "weightValueSetRootV1": tree(sorted(values.values())).hex() if complete else None,
            "names_and_values": named(values).hex() if complete else None,  # the value root where names are Hugging Face's and none is left out
            "tensors": {name.decode(): [H(tensors[name][2]).hex(), digests[name].hex(), values[name].hex() if name in values else None] for name in tensors}}


if __name__ == "__main__":
    print(json.dumps(identity(sys.argv[1]), indent=1))
