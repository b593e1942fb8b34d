"""An independent safetensors reader and writer. Layout: u64 header size, JSON header, data (formats/facts/safetensors.md)."""
import collections
import glob
import json
import os
import struct

Tensor = collections.namedtuple("Tensor", "dtype shape data")


def read_file(path):
    """({name: Tensor}, {metadata key: text}) of one file."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert 0 <= begin <= end <= len(data), name
        tensors[name] = Tensor(entry["dtype"], tuple(entry["shape"]), data[begin:end])
    return tensors, metadata


def has_trailing_bytes(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return os.path.getsize(path) > 8 + size + max(ends, default=0)


def read_checkpoint(folder):
    """{name: Tensor} of all *.safetensors of a folder; a name in two of them is a failure."""
    tensors = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        found, _ = read_file(path)
        assert not tensors.keys() & found.keys(), path
        tensors.update(found)
    return tensors


def file_bytes(tensors, metadata=None, edit_header=None):
    """A file's bytes. `edit_header` may spoil the header (a dict) before it is written."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(tensor.data)]}
        data += tensor.data
    if edit_header:
        edit_header(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
