"""Hostile pickles, opcode by opcode, each in the place where a checkpoint has its state."""
import struct

import numpy

import pickle_writer
import torch_zip
from hostile_case import Case, finding, read, refused
from zip_parts import Member, build

WEIGHTS = {"layer.weight": torch_zip.tensor("float32", numpy.arange(8).reshape(2, 4))}
BENIGN = torch_zip.save(WEIGHTS)


def text(value):
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def call(module, name, *arguments):
    return f"c{module}\n{name}\n(".encode() + b"".join(arguments) + b"tR"


SYSTEM = call("posix", "system", text("touch /tmp/owned"))


def weights():
    """The opcodes that push the benign state, without PROTO and STOP; its storage is data/0."""
    return pickle_writer.dumps(torch_zip.symbols(WEIGHTS, torch_zip.Storages()))[2:-1]


def archive(pickled, storages=(WEIGHTS["layer.weight"].array.tobytes(),), method=0, extra=()):
    members = [Member("archive/data.pkl", pickled, method), Member("archive/byteorder", b"little")]
    members += [Member(f"archive/data/{key}", data) for key, data in enumerate(storages)]
    return build(members + list(extra) + [Member("archive/version", b"3\n")])


def whole(opcodes, protocol=2, **options):
    return archive(b"\x80" + bytes([protocol]) + opcodes + b".", **options)


def beside(opcodes, **options):
    """{"evil": what the opcodes push, "state": the weights}."""
    return whole(b"}(" + text("evil") + opcodes + text("state") + weights() + b"u", **options)


def in_state(opcodes):
    """The weights in an OrderedDict whose state is what the opcodes push."""
    return whole(b"ccollections\nOrderedDict\n)R(" + text("w") + call(*REBUILD, *tensor_arguments()) + b"u" + opcodes + b"b")


REBUILD = ("torch._utils", "_rebuild_tensor_v2")


def number(value):
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def storage(kind=b"ctorch\nFloatStorage\n", key="0", elements=8, location="cpu"):
    return b"(" + text("storage") + kind + (text(key) if isinstance(key, str) else key) + text(location) + number(elements) + b"tQ"


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor_arguments(stored=None, offset=0, shape=(2, 4), strides=(4, 1), hooks=b"ccollections\nOrderedDict\n)R"):
    return (stored or storage(), number(offset), shape if isinstance(shape, bytes) else numbers(shape), numbers(strides), b"\x89", hooks)


def tensor(**options):
    """One tensor with odd arguments."""
    return whole(b"}" + text("w") + call(*REBUILD, *tensor_arguments(**options)) + b"s")


def code():
    """What Python would run."""
    evil = {
        "reduce os.system": call("os", "system", text("id")),
        "reduce posix.system": SYSTEM,
        "reduce eval": call("builtins", "eval", text("1+1")),
        "reduce exec of Python 2": call("__builtin__", "exec", text("import os")),
        "reduce subprocess": call("subprocess", "Popen", b"](" + text("id") + b"e"),
        "reduce importlib": call("importlib", "import_module", text("os")),
        "reduce runpy": call("runpy", "_run_code", text("x=1"), b"}"),
        "reduce webbrowser": call("webbrowser", "open", text("http://example.org")),
        "reduce torch.load": call("torch.serialization", "load", text("/etc/passwd")),
        "reduce torch.hub.load": call("torch.hub", "load", text("a/b"), text("c")),
        "reduce a code object": call("types", "CodeType", number(0)),
        "reduce a ctypes library": call("ctypes", "CDLL", text("libc.so.6")),
        "reduce nt.system": call("nt", "system", text("dir")),
        "INST": b"(" + text("id") + b"iposix\nsystem\n",
        "OBJ": b"(cposix\nsystem\n" + text("id") + b"o",
        "NEWOBJ": b"csubprocess\nPopen\n(" + text("id") + b"t\x81",
        "NEWOBJ_EX": b"csubprocess\nPopen\n)}" + text("args") + text("id") + b"s\x92",
        "STACK_GLOBAL": text("posix") + text("system") + b"\x93(" + text("id") + b"tR",
        "STACK_GLOBAL by the memo": text("system") + b"q\x400" + text("posix") + b"h\x40\x93(" + text("id") + b"tR",
        "STACK_GLOBAL with a dotted name": text("torch") + text("serialization.os.system") + b"\x93(" + text("id") + b"tR",
        "a call in a popped value": SYSTEM + b"0N",
        "a call below a popped mark": b"(" + SYSTEM + b"1N",
        "a call that only the memo keeps": SYSTEM + b"q\x410N",
        "a call in a key": b"}" + SYSTEM + number(1) + b"s",
        "a call of a call": call("functools", "partial", b"cposix\nsystem\n", text("id")) + b")R",
        "getattr chain": call("builtins", "getattr", call("builtins", "getattr", b"ctorch\nserialization\n", text("os")), text("system")),
        "getattr of an enumeration's class": call("builtins", "getattr", b"ctorch.distributed.checkpoint.metadata\n_MEM_FORMAT_ENCODING\n",
                                                  text("__class__")),
        "operator.attrgetter": call("operator", "attrgetter", text("system")),
        "apply a lambda": call("builtins", "map", b"cposix\nsystem\n", b"](" + text("id") + b"e"),
        "BUILD sets __setstate__": b"ctorch.nn.modules\nModule\n)\x81}" + text("__setstate__") + b"cposix\nsystem\nsb",
        "BUILD with slots": b"cargparse\nNamespace\n)\x81N}" + text("func") + b"cposix\nsystem\ns\x86b",
    }
    words = {"reduce exec of Python 2": "__builtin__.exec", "a call of a call": "functools.partial"}
    for name, opcodes in evil.items():
        yield Case("pickle: " + name, {"x.pth": beside(opcodes)}, finding(words.get(name, "")))
    yield Case("pickle: a call in the state of an OrderedDict", {"x.pth": in_state(b"}" + text("_metadata") + SYSTEM + b"s")},
               finding("posix.system"))
    yield Case("pickle: a call among a tensor's hooks", {"x.pth": tensor(hooks=SYSTEM)}, finding("posix.system"))
    yield Case("pickle: a call as a tensor's shape", {"x.pth": tensor(shape=SYSTEM)}, refused("", "finding"))
    yield Case("pickle: a call as the key of a storage", {"x.pth": tensor(stored=storage(key=SYSTEM))}, refused("", "finding"))
    yield Case("pickle: os.system in the place of a storage's class", {"x.pth": tensor(stored=storage(kind=b"cposix\nsystem\n"))},
               refused("", "finding"))
    yield Case("pickle: a foreign tensor subclass", {"x.pth": whole(b"}" + text("w") + call(
        "torch._tensor", "_rebuild_from_type_v2", b"ctorch._utils\n_rebuild_tensor_v2\n", b"cevil\nTensor\n",
        b"(" + b"".join(tensor_arguments()) + b"t", b"}") + b"s")}, finding("evil.Tensor"))
    yield Case("pickle: code in an optimizer's state", {"x.pth": whole(b"}(" + text("optimizer") + SYSTEM + text("model") + weights() + b"u")},
               finding("posix.system"))
    yield Case("pickle: a second pickle after the first", {"x.pth": archive(b"\x80\x02" + weights() + b".\x80\x02" + SYSTEM + b".")}, refused("follow the pickle"))


def forms():
    """Pickles that break their own rules."""
    odd = {
        "a name computed by a call": (call("builtins", "str", text("posix")) + text("system") + b"\x93", "STACK_GLOBAL"),
        "a name that is a number": (number(1) + number(2) + b"\x93", "STACK_GLOBAL"),
        "a class from the extension registry": (b"\x82\x01", "EXT1"),
        "BUILD of what a module holds": (b"cposix\nenviron\n}" + text("LD_PRELOAD") + text("x.so") + b"sb", "BUILD"),
        "BUILD again, with what __setstate__ became": (b"ctorch.nn.modules\nModule\n)\x81}" + text("__setstate__") +
                                                        b"cposix\nsystem\nsb" + text("id") + b"b", "second state"),
        "a name with a line feed in the middle": (b"cposix\n", "is no opcode"),
        "an opcode that is none": (b"\xfe", "0xfe"),
        "a buffer outside of the pickle": (b"\x97", "NEXT_BUFFER"),
        "a value that is not on the stack": (b"0" * 9 + b"t", "POP needs"),
        "a mark that is not there": (b"t" * 9, "needs a mark"),
        "a memo entry that was never made": (b"h\xee", "memo entry 238"),
        "a negative memo index": (b"p-1\n", "PUT"),
        "a string without quotes": (b"Sid\n", "quoted"),
        "an odd number of items for a dict": (b"}(" + text("a") + b"u", "a key without a value"),
        "items appended to a number": (number(1) + b"(" + number(2) + b"e", "would add to an integer"),
        "text that is not UTF-8": (b"X\x02\x00\x00\x00\xff\xfe", "not UTF-8"),
        "text of 2^63 bytes": (b"\x8d" + struct.pack("<Q", 1 << 63), "9223372036854775808"),
        "bytes of 2^64 - 1 bytes": (b"\x8e" + struct.pack("<Q", (1 << 64) - 1), "18446744073709551615"),
        "text of 4 GiB": (b"X\xff\xff\xff\xff", "4294967295"),
        "an integer of 2 GiB": (b"\x8b\xff\xff\xff\x7f", "2147483647"),
        "an integer of negative length": (b"\x8b\xff\xff\xff\xff", ""),
        "an integer of a million digits": (b"I" + b"9" * 1000000 + b"\n", "INT"),
        "a long of a million digits": (b"L" + b"9" * 1000000 + b"L\n", "LONG"),
        "a frame longer than the pickle": (b"\x95" + struct.pack("<Q", 1 << 40), "FRAME"),
    }
    for name, (opcodes, words) in odd.items():
        yield Case("pickle: " + name, {"x.pth": beside(opcodes)}, refused(words))
    yield Case("pickle: a persistent id as text", {"x.pth": beside(b"Pevil id\n")}, read("", "refused"))
    yield Case("pickle: a frame that ends in an opcode", {"x.pth": beside(b"\x95" + struct.pack("<Q", 3) + text("abcdefgh"))}, read("", "refused"))
    yield Case("pickle: protocol 6", {"x.pth": whole(weights(), protocol=6)}, refused("protocol 6"))
    yield Case("pickle: no STOP", {"x.pth": archive(b"\x80\x02" + weights())}, refused("0 are left"))
    yield Case("pickle: empty", {"x.pth": archive(b"")}, refused("0 are left"))
    yield Case("pickle: cut off", {"x.pth": archive((b"\x80\x02" + weights())[:60])}, refused("0 are left"))


def bombs():
    """Small pickles that ask for much."""
    laughs = b"](" + text("ha") * 10 + b"eq\x00"
    for level in range(1, 60):
        laughs += b"](" + b"h" + bytes([level - 1]) + (b"h" + bytes([level - 1])) * 9 + b"eq" + bytes([level])
    deep = b"]" * 200000 + b"a" * 199999
    yield Case("bomb: lists 200,000 deep", {"x.pth": beside(deep)}, refused("deeper"))
    yield Case("bomb: tuples 200,000 deep", {"x.pth": beside(b")" + b"\x85" * 200000)}, refused("deeper"))
    yield Case("bomb: calls 100,000 deep", {"x.pth": beside(b"ccollections\nOrderedDict\n" + b")R" * 100000)}, refused("deeper", "finding"))
    yield Case("bomb: ten times ten times ... lists", {"x.pth": beside(b"(" + laughs + b"t")}, refused("again and again", "read"))
    yield Case("bomb: a memo index of 2^31", {"x.pth": beside(number(1) + b"r" + struct.pack("<I", 1 << 31))}, read("", "refused"))
    yield Case("bomb: memo indexes far apart", {"x.pth": beside(b"".join(number(1) + b"r" + struct.pack("<I", index << 16) + b"0"
                                                                         for index in range(1, 60000)) + b"N")}, read("", "refused"))
    yield Case("bomb: a million marks", {"x.pth": beside(b"(" * 1000000 + b"N")}, refused("MARK nests"))
    yield Case("bomb: 64 MiB of empty dicts, deflated", {"x.pth": archive(b"\x80\x02(" + b"}" * (64 << 20) + b"t.", method=8)}, refused("more than"))
    yield Case("bomb: 32 MiB of DUP, deflated", {"x.pth": archive(b"\x80\x02(N" + b"2" * (32 << 20) + b"t.", method=8)}, refused("more than"))
    yield Case("bomb: 64 MiB of empty lists that are popped, deflated",
               {"x.pth": archive(b"\x80\x02" + b"]0" * (32 << 20) + weights() + b".", method=8)}, refused("", "read"))
    yield Case("bomb: a text of 1 MiB in a list 100,000 times", {"x.pth": beside(text("a" * (1 << 20)) + b"q\x000](" + b"h\x00" * 100000 + b"e")},
               refused("again and again", "read"))
    yield Case("bomb: a list that holds itself", {"x.pth": beside(b"]q\x00h\x00a")}, refused("deeper", "read"))
    yield Case("bomb: a dict that holds itself twice", {"x.pth": beside(b"}q\x00(" + text("a") + b"h\x00" + text("b") + b"h\x00u")}, refused("deeper", "read"))
    yield Case("bomb: tensors 2^40 times in lists of lists", {"x.pth": whole(
        b"}" + text("w") + call(*REBUILD, *tensor_arguments()) + b"q\x30" + b"".join(
            b"0](" + b"h" + bytes([48 + level]) + b"h" + bytes([48 + level]) + b"eq" + bytes([49 + level]) for level in range(40)) + b"s")}, refused("again and again"))


def views():
    """Tensors that reach beyond their storage, or whose numbers overflow."""
    odd = {
        "an offset beyond the storage": {"offset": 1},
        "an offset of 2^62": {"offset": 1 << 62},
        "a negative offset": {"offset": -8},
        "a negative stride": {"strides": (-4, 1), "offset": 4},
        "a stride of 2^62": {"strides": (1 << 62, 1)},
        "a stride beyond the storage": {"strides": (5, 1)},
        "sizes whose product overflows": {"shape": (1 << 33, 1 << 33), "strides": (0, 0)},
        "sizes that overflow with strides": {"shape": (1 << 40, 4), "strides": (1 << 40, 1)},
        "a negative size": {"shape": (-2, 4)},
        "a size that needs 65 bits": {"shape": (1 << 64, 4)},
        "fewer strides than sizes": {"strides": (1,)},
        "a thousand dimensions": {"shape": (1,) * 1000, "strides": (1,) * 1000},
        "more elements than the storage has bytes": {"stored": storage(elements=9)},
        "2^62 elements": {"stored": storage(elements=1 << 62)},
        "a negative number of elements": {"stored": storage(elements=-1)},
        "a storage that is not there": {"stored": storage(key="7")},
        "a storage above the archive": {"stored": storage(key="../../../etc/passwd")},
        "a storage of an absolute name": {"stored": storage(key="/etc/passwd")},
        "a storage that is the pickle": {"stored": storage(key="../data.pkl")},
        "an unknown storage class": {"stored": storage(kind=b"ctorch\nEvilStorage\n")},
        "a persistent id of three items": {"stored": b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + b"tQ"},
        "a persistent id that is no storage": {"stored": b"(" + text("module") + text("a") + text("b") + text("c") + number(8) + b"tQ"},
    }
    for name, options in odd.items():
        yield Case("tensor: " + name, {"x.pth": tensor(**options)}, refused('tensor "w"'))
    yield Case("tensor: terminal codes in its name", {"x.pth": whole(b"}" + text("w\x1b[31m\0") + call(
        *REBUILD, *tensor_arguments(offset=1)) + b"s")}, refused("\\x1b[31m"))
    yield Case("tensor: terminal codes in its storage's class", {"x.pth": tensor(stored=storage(kind=b"cposix\nsy\x1b[2Jstem\n"))}, refused("\\x1b[2J"))
    yield Case("tensor: a rebuild without arguments", {"x.pth": whole(b"}" + text("w") + call(*REBUILD) + b"s")}, refused("0 arguments"))
    yield Case("tensor: one number said to be 2^44 of them by strides of 0", {"x.pth": tensor(shape=(1 << 22, 1 << 22), strides=(0, 0))},
               read("", "refused", converts=False))


CASES = [*code(), *forms(), *bombs(), *views()]
