"""What torch.save writes, without torch: zip archives and the pickles of tensors (formats/facts/pytorch.md)."""
import collections
import struct
import zlib

import numpy

import pickle_writer
from pickle_writer import Call, Global, Persistent

# torch's name of a dtype -> storage class (none: an untyped storage), numpy's type of the same width
DTYPES = {
    "float64": ("DoubleStorage", "f8"), "float32": ("FloatStorage", "f4"), "float16": ("HalfStorage", "f2"),
    "bfloat16": ("BFloat16Storage", "u2"), "int64": ("LongStorage", "i8"), "int32": ("IntStorage", "i4"),
    "int16": ("ShortStorage", "i2"), "int8": ("CharStorage", "i1"), "uint8": ("ByteStorage", "u1"),
    "bool": ("BoolStorage", "u1"), "complex64": ("ComplexFloatStorage", "c8"), "complex128": ("ComplexDoubleStorage", "c16"),
    "float8_e4m3fn": (None, "u1"), "float8_e5m2": (None, "u1"), "uint16": (None, "u2"), "uint32": (None, "u4"),
    "uint64": (None, "u8"),
}

# A tensor's dtype by torch's name, and its elements in a numpy array of that width.
Tensor = collections.namedtuple("Tensor", "dtype array")


def tensor(dtype, array):
    return Tensor(dtype, numpy.ascontiguousarray(array).astype("<" + DTYPES[dtype][1], copy=False))


Member = collections.namedtuple("Member", "name data")


def zip_bytes(members, alignment=64, spoil=None):
    """Stored members as torch lays them out: no CRC in the local header, payloads aligned, always zip64 at the end.
    `spoil(kind, name, fields)` may change the fields of a record before it is written."""
    out, directory = bytearray(), bytearray()
    for name, data in members:
        raw, crc, header = name.encode(), zlib.crc32(data), len(out)
        flags = 0x0808 if data else 0x0800
        fields = {"flags": flags, "method": 0, "crc": crc, "size": len(data), "offset": header}
        if spoil:
            spoil("entry", name, fields)
        pad = -(header + 30 + len(raw) + 4) % alignment
        extra = struct.pack("<HH", 0x4246, pad) + b"Z" * pad
        out += struct.pack("<IHHHHHIIIHH", 0x04034b50, 0, flags, 0, 0, 0, 0, 0, 0, len(raw), len(extra)) + raw + extra + data
        if data:
            out += struct.pack("<IIII", 0x08074b50, crc, len(data), len(data))
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 0, 0, fields["flags"], fields["method"], 0, 0, fields["crc"],
                                 fields["size"], fields["size"], len(raw), 0, 0, 0, 0, 0, fields["offset"]) + raw
    begin, count = len(out), len(members)
    end = begin + len(directory)
    out += directory
    out += struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 0x031e, 45, 0, 0, count, count, len(directory), begin)
    out += struct.pack("<IIQI", 0x07064b50, 0, end, 1)
    out += struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count, count, len(directory), begin, 0)
    return bytes(out)


class Storages:
    """The storages of one archive, in order; equal keys are one storage."""
    def __init__(self):
        self.data = []

    def symbol(self, value):
        """The call that would make the tensor."""
        storage_class, _ = DTYPES[value.dtype]
        raw, key = value.array.tobytes(), str(len(self.data))
        self.data.append(raw)
        elements = value.array.size if storage_class else len(raw)
        kind = Global("torch", storage_class) if storage_class else Global("torch.storage", "UntypedStorage")
        storage = Persistent(("storage", kind, key, "cpu", elements))
        shape = tuple(value.array.shape)
        strides, step = [], 1
        for dimension in reversed(shape):
            strides.insert(0, step)
            step *= max(dimension, 1)
        hooks = Call(Global("collections", "OrderedDict"))
        if storage_class:
            return Call(Global("torch._utils", "_rebuild_tensor_v2"), (storage, 0, shape, tuple(strides), False, hooks))
        return Call(Global("torch._utils", "_rebuild_tensor_v3"),
                    (storage, 0, shape, tuple(strides), False, hooks, Global("torch", value.dtype)))


def symbols(value, storages):
    """The value with symbols in the place of its tensors."""
    if isinstance(value, Tensor):
        return storages.symbol(value)
    if isinstance(value, dict):
        return {key: symbols(item, storages) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(symbols(item, storages) for item in value)
    return value


def save(value, root="archive", spoil=None, protocol=2, version=True):
    """The bytes of torch.save(value): plain values, Tensors, and symbols of pickle_writer."""
    storages = Storages()
    pickled = pickle_writer.dumps(symbols(value, storages), protocol)
    members = [Member(f"{root}/data.pkl", pickled), Member(f"{root}/byteorder", b"little")]
    members += [Member(f"{root}/data/{key}", data) for key, data in enumerate(storages.data)]
    if version:
        members.append(Member(f"{root}/version", b"3\n"))
    return zip_bytes(members, spoil=spoil)
