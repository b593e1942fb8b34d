"""An independent reader of provenance records, from the text of formats/facts/provenance.md alone: identity of weights and
metadata, the event log, receipts that are replayed where that needs no block encoding. Standard library only."""
import base64
import hashlib
import json
import os
import struct

import dump_gguf
import safetensors_file

DTYPES = {"F64": "f64", "F32": "f32", "F16": "f16", "BF16": "bf16", "I64": "i64", "I32": "i32", "I16": "i16", "I8": "i8", "U64": "u64",
          "U32": "u32", "U16": "u16", "U8": "u8", "BOOL": "bool", "F8_E4M3": "f8_e4m3fn", "F8_E5M2": "f8_e5m2"}
PLAIN_GGUF = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8"}
RECORD_KEYS = {"heirloom.events", "heirloom.head", "heirloom.reserve"}
PARTS = {"log": ("provenance.intoto.jsonl", ".intoto.jsonl"), "receipts": ("tensor-receipts.jsonl", ".tensor-receipts.jsonl"),
         "ledger": ("metadata-ledger.json", ".metadata-ledger.json")}
GGUF_TYPES = {0: ("u8", "B"), 1: ("i8", "b"), 2: ("u16", "H"), 3: ("i16", "h"), 4: ("u32", "I"), 5: ("i32", "i"), 6: ("f32", "f"), 7: ("bool", "B"),
              8: ("string", ""), 9: ("array", ""), 10: ("u64", "Q"), 11: ("i64", "q"), 12: ("f64", "d")}


def h(data):
    return hashlib.sha256(data).digest()


def merkle(leaves):
    """RFC 6962; `leaves` are the x of the page."""
    if not leaves:
        return h(b"")
    if len(leaves) == 1:
        return h(b"\0" + leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return h(b"\1" + merkle(leaves[:half]) + merkle(leaves[half:]))


def named_root(items):
    """Of {name bytes: digest}."""
    return merkle([struct.pack("<I", len(name)) + name + digest for name, digest in sorted(items.items())]).hex()


def tensor_digest(encoding, shape, raw):
    shape = list(shape)
    while shape and shape[0] == 1:
        shape.pop(0)
    enc = encoding.encode()
    return h(b"wtd1\0" + bytes([len(enc)]) + enc + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + raw)


class Weights:
    """Tensors {name: (enc, shape, data)} and metadata {key bytes: digest of the leaf} of a file or directory."""

    def __init__(self, path):
        self.tensors, self.metadata, self.texts = {}, {}, {}
        if os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                if name.endswith((".safetensors", ".gguf")):
                    self.read(os.path.join(path, name))
        else:
            self.read(path)

    def read(self, path):
        if path.endswith(".gguf"):
            self.read_gguf(path)
            return
        tensors, metadata = safetensors_file.read_file(path)
        for name, tensor in tensors.items():
            self.tensors[name] = (DTYPES[tensor.dtype], tensor.shape, tensor.data)
        for key, value in metadata.items():
            self.texts[key] = value
            self.metadata[key.encode()] = h(b"string\0" + value.encode())

    def read_gguf(self, path):
        manifest = dump_gguf.dump(path)
        with open(path, "rb") as file:
            data = file.read()
        for tensor in manifest["tensors"]:
            begin = manifest["data_offset"] + tensor["offset"]
            kind = tensor["ggml_type"]
            enc = kind.lower() if kind in PLAIN_GGUF else "ggml:" + kind.lower()
            self.tensors[tensor["name"]] = (enc, tensor["shape"][::-1], data[begin:begin + tensor["nbytes"]])
        at = 24
        for _ in range(struct.unpack_from("<Q", data, 16)[0]):
            at = self.read_key(data, at)

    def read_key(self, data, at):
        def number(code):
            nonlocal at
            at += struct.calcsize(code)
            return struct.unpack_from("<" + code, data, at - struct.calcsize(code))[0]

        def bytes_of(kind):
            nonlocal at
            size = number("Q") if kind == 8 else struct.calcsize(GGUF_TYPES[kind][1])
            at += size
            return data[at - size:at]
        key = bytes_of(8)
        kind = number("I")
        name = GGUF_TYPES[kind][0]
        if kind != 9:
            value = bytes_of(kind)
            self.texts[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace") if kind == 8 else struct.unpack("<" + GGUF_TYPES[kind][1], value)[0]
        else:
            element, count = number("I"), number("Q")
            name += ":" + GGUF_TYPES[element][0]
            values = [bytes_of(element) for _ in range(count)]
            self.texts[key.decode("utf-8", "replace")] = values
            value = struct.pack("<Q", count) + b"".join(struct.pack("<Q", len(v)) + v if element == 8 else v for v in values)
        self.metadata[key] = h(name.encode() + b"\0" + value)
        return at

    def raw(self, name):
        return h(self.tensors[name][2])

    def digest(self, name):
        enc, shape, data = self.tensors[name]
        return tensor_digest(enc, shape, h(data))

    def stored_root(self):
        return named_root({name.encode("utf-8", "surrogateescape"): self.digest(name) for name in self.tensors})

    def metadata_root(self):
        return named_root({key: digest for key, digest in self.metadata.items() if key.decode("utf-8", "replace") not in RECORD_KEYS})

    def embedded(self):
        """Payloads of the embedded events, as bytes."""
        events = self.texts.get("heirloom.events")
        if isinstance(events, str):
            return [payload.encode() for payload in json.loads(events)]
        return events or []


def part(path, name):
    """The path of a part of the record of a file or a directory."""
    in_directory, suffix = PARTS[name]
    return os.path.join(path, in_directory) if os.path.isdir(path) else path + suffix


def read_log(path):
    """[(id, statement, payload bytes)] of a log's lines. Fails on what is no envelope, or no canonical statement."""
    lines = []
    with open(path, "rb") as file:
        for line in file.read().split(b"\n")[:-1]:
            envelope = json.loads(line)
            assert envelope.keys() == {"payload", "payloadType", "signatures"}, envelope.keys()
            assert envelope["payloadType"] == "application/vnd.in-toto+json"
            payload = base64.b64decode(envelope["payload"], validate=True)
            statement = json.loads(payload)
            # Canonical for what has ASCII keys: sorted, no spaces.
            assert json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == payload, payload[:80]
            lines.append((hashlib.sha256(payload).hexdigest(), statement, payload))
    return lines


def dependencies(event, role):
    return [d for d in event["predicate"]["buildDefinition"]["resolvedDependencies"] if d["annotations"]["role"] == role]


def build_type(event):
    return event["predicate"]["buildDefinition"]["buildType"].removeprefix("https://heirloom.example/ns/")


def of_type(log, kind):
    """Statements of one kind: "provenance", "lineage" or "run"."""
    return [line for line in log if "/" + kind + "/v1" in line[1]["predicateType"]]


def forge(path, change):
    """Changes the statements of a log - change(statement) may - as one would who wants it to hold together: ids follow."""
    lines, ids = [], {}
    for before, statement, payload in read_log(path):
        text = payload.decode()
        for old, new in ids.items():
            text = text.replace(old, new)
        statement = json.loads(text)
        change(statement)
        payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ids[before] = hashlib.sha256(payload).hexdigest()
        lines.append(envelope(payload))
    with open(path, "wb") as file:
        file.writelines(lines)


def envelope(payload):
    """An unsigned line of a log."""
    return json.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json", "signatures": []}).encode() + b"\n"


def arrange(op, sources, count, width):
    """The bytes that arrange@1 gives of sources whose elements have `width` bytes."""
    out = bytearray(count * width)
    filled = bytearray(count)

    def move(box, strides, at, to):
        if strides:
            n, from_step, to_step = strides[0]
            for k in range(n):
                move(box, strides[1:], at + k * from_step, to + k * to_step)
            return
        assert not filled[to], "an element is filled twice"
        filled[to] = 1
        if box[0] != -1:
            out[to * width:(to + 1) * width] = sources[box[0]][at * width:(at + 1) * width]
    for box in op["boxes"]:
        move(box, box[3:], box[1], box[2])
    assert all(filled), "an element is not filled"
    return bytes(out)
