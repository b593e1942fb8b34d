"""Compares what the unpickler reads with what Python pickled: values of every kind, in every protocol, at random too."""
import argparse
import collections
import enum
import math
import pathlib
import pickle
import random
import struct
import subprocess
import sys

SEED = 20260801


class Colour(enum.Enum):
    RED = 1


class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)


class WithSlots:
    __slots__ = ("a",)


class Persistent:
    def __init__(self, name):
        self.name = name


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.name if isinstance(value, Persistent) else None


def dumps(value, protocol):
    import io
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def random_text(rng):
    alphabet = ["a", "Z", "0", "\n", "\\", "'", '"', "\0", "é", "π", "\u20ac", "\U0001f600", "\\u0041", " "]
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def random_value(rng, depth):
    leaves = [
        lambda: None, lambda: rng.random() < 0.5, lambda: rng.randrange(-300, 300),
        lambda: rng.choice([-1, 1]) * rng.getrandbits(rng.choice([8, 16, 31, 32, 63, 64, 65, 200, 2100])),
        lambda: rng.uniform(-1e3, 1e3), lambda: rng.choice([0.0, -0.0, math.inf, 5e-324, 1e308, 0.1]),
        lambda: random_text(rng), lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(300))),
    ]
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(leaves)()
    kind = rng.randrange(5)
    count = rng.choice([0, 1, 2, 3, 4, 9])
    items = [random_value(rng, depth - 1) for _ in range(count)]
    if kind == 0:
        return items
    if kind == 1:
        return tuple(items)
    if kind == 2:
        return {random_text(rng): item for item in items}
    if kind == 3:
        return {rng.randrange(1000): item for item in items}
    return {rng.randrange(1000) for _ in range(count)}


def same(a, b):
    """Equal, and of the same type all through; -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items()))
    return a == b


def plain_cases(rng):
    shared = ["x", [1, 2]]
    fixed = [
        [shared, shared, (shared,)], "a" * 300, b"b" * 70000, list(range(3000)), {i: str(i) for i in range(2500)},
        (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), set(), 2 ** 63 - 1, -2 ** 63, 2 ** 63, -2 ** 63 - 1, 255, 256, 65535, 65536,
        -1, 2 ** 31, -2 ** 31, "", b"", float("inf"), [[[[[[]]]]]],
    ]
    return fixed + [random_value(rng, 4) for _ in range(150)]


def symbolic_cases():
    """(value, protocols, what must be printed, as a Python value)"""
    named = lambda name: ("global", name)
    odd = Plain(a=1, b=[2])
    ordered = collections.OrderedDict(a=1)
    yield Persistent("p"), range(0, 6), ("persistent", "p")
    yield ordered, range(2, 6), ("call", named("collections.OrderedDict"), (), [], {"a": 1}, None)
    yield odd, range(2, 6), ("call", named("__main__.Plain"), (), [], {}, {"a": 1, "b": [2]})
    yield odd, (0, 1), ("call", named("copy_reg._reconstructor"), (named("__main__.Plain"), named("__builtin__.object"), None),
                        [], {}, {"a": 1, "b": [2]})
    yield len, (3, 4, 5), named("builtins.len")
    yield len, (0, 1, 2), named("__builtin__.len")
    yield pathlib.PurePosixPath("a/b"), range(2, 6), None
    yield collections.deque([1, 2]), (2, 4), ("call", named("collections.deque"), (), [1, 2], {}, None)
    yield bytearray(b"ab"), (5,), b"ab"
    yield frozenset([1]), (4, 5), {1}
    slots = WithSlots()
    slots.a = 7
    yield slots, (2, 4), ("call", named("__main__.WithSlots"), (), [], {}, (None, {"a": 7}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dump", required=True)
    arguments = parser.parse_args()
    rng = random.Random(SEED)
    cases = []
    for value in plain_cases(rng):
        for protocol in range(6):
            cases.append((value, dumps(value, protocol), value, protocol))
    for value, protocols, wanted in symbolic_cases():
        for protocol in protocols:
            cases.append((value, dumps(value, protocol), wanted, protocol))
    sent = b"".join(struct.pack("<Q", len(data)) + data for _, data, _, _ in cases)
    printed = subprocess.run([arguments.dump], input=sent, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    faults = 0
    if len(printed) != len(cases):
        sys.exit(f"{len(printed)} lines for {len(cases)} pickles")
    for (value, data, wanted, protocol), line in zip(cases, printed):
        if wanted is None and not line.startswith("error"):
            continue
        # Protocols 0 to 2 write bytes, and 0 to 3 sets, as calls of Python functions.
        try:
            read = eval(line, {"int": int, "float": float, "inf": math.inf})
        except SyntaxError:
            read = line
        if same(read, wanted) or has_calls_for(value, protocol):
            continue
        faults += 1
        print(f"protocol {protocol}: {value!r:.200}\n  is read as {line:.200}\n  from {data[:80]!r}", file=sys.stderr)
    print(f"seed {SEED}: {len(cases)} pickles, {faults} faults")
    sys.exit(1 if faults else 0)


def has_calls_for(value, protocol):
    """Whether this protocol writes something in the value as a call: bytes before 3, sets before 4."""
    if isinstance(value, bytes):
        return protocol < 3
    if isinstance(value, (set, frozenset)):
        return protocol < 4
    if isinstance(value, (list, tuple)):
        return any(has_calls_for(item, protocol) for item in value)
    if isinstance(value, dict):
        return any(has_calls_for(item, protocol) for item in value.values())
    return False


if __name__ == "__main__":
    main()
