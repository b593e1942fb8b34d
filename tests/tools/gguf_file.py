"""An independent GGUF writer for small files (reading: dump_gguf.py). Version 3, little endian (formats/facts/gguf.md)."""
import struct

UINT32, FLOAT32, STRING = 4, 6, 8
F32, BF16 = 0, 30


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def attr(key, kind, value):
    head = text(key) + struct.pack("<I", kind)
    return head + (text(value) if kind == STRING else struct.pack("<f" if kind == FLOAT32 else "<I", value))


def tensor_info(name, shape, kind, offset):
    """`shape` in GGUF's order, fastest first."""
    return text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, offset)


def file_bytes(attrs, tensors, alignment=32, counts=None):
    """`tensors`: (name, shape, type, data). `counts` replaces the (tensor, attr) counts of the header by wrong ones.
    The last tensor's data ends the file unpadded when its size is not a multiple of the alignment."""
    infos, data = [], b""
    for name, shape, kind, content in tensors:
        data += b"\0" * (-len(data) % alignment)
        infos.append(tensor_info(name, shape, kind, len(data)))
        data += content
    head = b"GGUF" + struct.pack("<IQQ", 3, *(counts or (len(tensors), len(attrs))))
    head += b"".join(attrs) + b"".join(infos)
    return head + b"\0" * (-len(head) % alignment) + data


def padded_bytes(attrs, tensors, alignment=32):
    """As llama.cpp writes it: the last tensor is padded, too."""
    data = file_bytes(attrs, tensors, alignment)
    return data + b"\0" * (-len(data) % alignment)
