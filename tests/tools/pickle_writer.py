"""Pickles written opcode by opcode, for files whose classes are not installed (formats/facts/pickle.md#opcodes).

A value is None, a bool, int, float, str, bytes, tuple, list, dict, or one of the symbols below."""
import struct


class Global:
    """A name that Python would import."""
    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """`callee(*arguments)`, with the state of BUILD and the items of SETITEMS. `how` is "reduce" or "newobj"."""
    def __init__(self, callee, arguments=(), state=None, how="reduce", items=None):
        self.callee, self.arguments, self.state, self.how, self.items = callee, tuple(arguments), state, how, items


class Persistent:
    """An object outside the pickle, by its id."""
    def __init__(self, value):
        self.value = value


class Writer:
    def __init__(self, protocol):
        self.protocol, self.out, self.memo, self.alive = protocol, bytearray(), {}, []

    def op(self, code, data=b""):
        self.out += code + data

    def recall(self, key):
        """Whether the value is in the memo; then it is on the stack now."""
        index = self.memo.get(key)
        if index is None:
            return False
        self.op(*((b"h", bytes([index])) if index < 256 else (b"j", struct.pack("<I", index))))
        return True

    def remember(self, key):
        index = self.memo[key] = len(self.memo)
        if self.protocol >= 4:
            self.op(b"\x94")
        else:
            self.op(*((b"q", bytes([index])) if index < 256 else (b"r", struct.pack("<I", index))))

    def number(self, value):
        if 0 <= value < 256:
            self.op(b"K", bytes([value]))
        elif 0 <= value < 65536:
            self.op(b"M", struct.pack("<H", value))
        elif -2**31 <= value < 2**31:
            self.op(b"J", struct.pack("<i", value))
        else:
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self.op(b"\x8a", bytes([len(raw)]) + raw)

    def text(self, value):
        if self.recall(("text", value)):
            return
        raw = value.encode("utf-8", "surrogatepass")
        if self.protocol >= 4 and len(raw) < 256:
            self.op(b"\x8c", bytes([len(raw)]) + raw)
        else:
            self.op(b"X", struct.pack("<I", len(raw)) + raw)
        self.remember(("text", value))

    def name(self, value):
        key = ("global", value.module, value.name)
        if self.recall(key):
            return
        if self.protocol >= 4:
            self.text(value.module)
            self.text(value.name)
            self.op(b"\x93")
        else:
            self.op(b"c", f"{value.module}\n{value.name}\n".encode())
        self.remember(key)

    def tuple(self, values):
        if len(values) > 3:
            self.op(b"(")
        for value in values:
            self.value(value)
        self.op({0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(values), b"t"))

    def pairs(self, items):
        if items:
            self.op(b"(")
            for key, value in items.items():
                self.value(key)
                self.value(value)
            self.op(b"u")

    def call(self, value):
        if self.recall(id(value)):
            return
        self.value(value.callee)
        self.tuple(value.arguments)
        self.op(b"R" if value.how == "reduce" else b"\x81")
        self.remember(id(value))
        self.alive.append(value)   # its id must not be given to another
        self.pairs(value.items)
        if value.state is not None:
            self.value(value.state)
            self.op(b"b")

    def value(self, value):
        if value is None or isinstance(value, bool):
            self.op({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif isinstance(value, int):
            self.number(value)
        elif isinstance(value, float):
            self.op(b"G", struct.pack(">d", value))
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, bytes):
            self.op(b"B", struct.pack("<I", len(value)) + value)
        elif isinstance(value, tuple):
            self.tuple(value)
        elif isinstance(value, list):
            self.op(b"](")
            for item in value:
                self.value(item)
            self.op(b"e")
        elif isinstance(value, dict):
            self.op(b"}")
            self.pairs(value)
        elif isinstance(value, Global):
            self.name(value)
        elif isinstance(value, Call):
            self.call(value)
        elif isinstance(value, Persistent):
            self.value(value.value)
            self.op(b"Q")
        else:
            raise TypeError(type(value))


def dumps(value, protocol=2):
    writer = Writer(protocol)
    writer.value(value)
    body = bytes(writer.out) + b"."
    frame = b"\x95" + struct.pack("<Q", len(body)) if protocol >= 4 else b""
    return b"\x80" + bytes([protocol]) + frame + body
