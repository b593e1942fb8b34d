"""Hostile containers: zip archives, PyTorch's older formats, NumPy files, distributed checkpoints."""
import io
import os
import struct
import tarfile
import zlib

import numpy

import dcp_checkpoint
import pickles
import torch_zip
from hostile_case import Case, finding, read, refused
from pickles import SYSTEM, call, number, numbers, text, weights
from zip_parts import Member, build

STATE = b"\x80\x02" + weights() + b"."
DATA = pickles.WEIGHTS["layer.weight"].array.tobytes()


def pth(edit=None, extra=(), **end):
    members = {member.name: member for member in (Member("archive/data.pkl", STATE), Member("archive/data/0", DATA),
                                                  Member("archive/version", b"3\n"))}
    if edit:
        edit(members)
    return build([*members.values(), *extra], **end)


def spoil(member, part, /, **claims):
    def edit(members):
        getattr(members[member], part).update(claims)
    return edit


def replace(member, /, *arguments, **options):
    def edit(members):
        members[member] = Member(member, *arguments, **options)
    return edit


def zips():
    pkl, data = "archive/data.pkl", "archive/data/0"
    odd = {
        "wrong CRC of the pickle": (spoil(pkl, "claims", crc=1), "CRC"),
        "other CRC in the local header": (spoil(pkl, "local", crc=1), "CRC"),
        "other name in the local header": (spoil(pkl, "local", name="archive/evil.pkl"), "name"),
        "other size in the local header": (spoil(data, "local", size=1 << 20), "size"),
        "other method in the local header": (spoil(pkl, "local", method=8), "method"),
        "encrypted in the local header alone": (spoil(pkl, "local", flags=0x0801), "encrypt"),
        "encrypted": (spoil(pkl, "claims", flags=0x0801), "encrypted"),
        "strongly encrypted": (spoil(pkl, "claims", flags=0x0841), "encrypted"),
        "AES": (spoil(data, "claims", method=99), "encrypted"),
        "LZMA": (spoil(data, "claims", method=14), "LZMA"),
        "zstd": (spoil(data, "claims", method=93), "zstd"),
        "a member beyond the directory": (spoil(data, "claims", stored=1 << 20, size=1 << 20), "runs into"),
        "a member of 2^63 bytes": (spoil(data, "claims", stored=1 << 63, size=1 << 63), "runs into"),
        "a member at byte 2^63": (spoil(data, "entry", offset=1 << 63), "behind the members"),
        "a member on another disk": (spoil(data, "entry", disk=3), "disk"),
        "stored in fewer bytes than it has": (spoil(data, "claims", size=len(DATA) * 2), "is stored"),
        "a name above the folder": (spoil(data, "claims", name="archive/../../0"), "name"),
        "an absolute name": (spoil(data, "claims", name="/archive/data/0"), "name"),
        "a name with a backslash": (spoil(data, "claims", name="archive\\data\\0"), "name"),
        "a name with a NUL": (spoil(data, "claims", name="archive/data/0\0"), "name"),
        "a name that is not UTF-8": (spoil(data, "claims", name="archive/data/\udcff"), "name"),
        "1 TiB deflated from 64 bytes": (replace(data, b"\0" * 64, 8, size=1 << 40), "cannot be"),
        "deflated data that is none": (replace(pkl, STATE, 8, payload=b"\xff" * 40), "damaged"),
        "deflated data that goes on": (replace(pkl, STATE, 8, payload=deflated(STATE + b"more")), "goes on"),
        "deflated data that ends early": (replace(pkl, STATE, 8, payload=deflated(STATE[:20])), "ends after"),
        "a tar as the pickle": (replace(pkl, tar({"x": b"y"})), "no opcode"),
        "a zip as the pickle": (replace(pkl, pth()), "pickle"),
        "a 7z as the pickle": (replace(pkl, b"7z\xbc\xaf\x27\x1c" + bytes(60)), "no opcode"),
    }
    for name, (edit, words) in odd.items():
        yield Case("zip: " + name, {"x.pth": pth(edit)}, refused(words))
    yield Case("zip: wrong CRC of a storage", {"x.pth": pth(spoil(data, "claims", crc=1))}, read("", "refused", converts=False))
    yield Case("zip: two members at one place", {"x.pth": pth(extra=[Member("archive/data/1", DATA, entry={"at": data}, local={})])}, refused("another name"))
    inner = build([Member("archive/data/1", DATA)])[:30 + len("archive/data/1") + len(DATA)]
    yield Case("zip: a member inside of another", {"x.pth": build(
        [Member(pkl, STATE), Member(data, inner), Member("archive/data/1", DATA, entry={"at": data, "into": 30 + len(data)})])}, refused("overlap"))
    yield Case("zip: the same name twice", {"x.pth": build([Member(pkl, STATE), Member(pkl, b"\x80\x02" + SYSTEM + b"."), Member(data, DATA)])},
               refused("two members"))
    yield Case("zip: 2,000 entries for one member of 1 MiB", {"x.pth": build(
        [Member(pkl, STATE), Member(data, DATA), Member("archive/data/k", b"\0" * (1 << 20), 8)] +
        [Member(f"archive/data/k{index}", b"\0" * (1 << 20), 8, entry={"at": "archive/data/k"}) for index in range(2000)])}, refused("another name"))
    yield Case("zip: two folders", {"x.pth": pth(extra=[Member("other/data.pkl", b"\x80\x02" + SYSTEM + b".")])}, refused("outside", "finding"))
    yield Case("zip: no pickle", {"x.pth": build([Member(data, DATA)])}, refused("no file that PyTorch writes"))
    yield Case("zip: no members", {"x.pth": build([])}, refused("no file that PyTorch writes"))
    yield Case("zip: said to have 65535 members", {"x.pth": pth(end={"count": 65535})}, refused("cannot hold"))
    yield Case("zip: said to have 2^60 members", {"x.pth": pth(end={"count": 1 << 60}, zip64=True)}, refused("more than"))
    yield Case("zip: a directory of 2^63 bytes", {"x.pth": pth(end={"bytes": 1 << 63}, zip64=True)}, refused("not just before"))
    yield Case("zip: on two disks", {"x.pth": pth(end={"disk": 1})}, refused("disk"))
    yield Case("zip: another archive in the comment", {"x.pth": pth(comment=pth()[-22:])}, refused("not just before"))
    yield Case("zip: a program before the archive", {"x.pth": pth(before=b"\x7fELF" + bytes(60))}, refused("no plugin reads"))
    yield Case("zip: cut off", {"x.pth": pth()[:-30]}, refused("no end record"))
    yield Case("zip: something after the archive", {"x.pth": pth() + b"\0" * 100}, refused("comment"))
    yield Case("zip: a 7z instead", {"x.pth": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(200)}, refused("no plugin reads"))
    yield Case("zip: a RAR instead", {"x.pth": b"Rar!\x1a\x07\x01\x00" + bytes(200)}, refused("no plugin reads"))
    yield Case("zip: a gzip instead", {"x.pth": b"\x1f\x8b\x08\x00" + zlib.compress(STATE)}, refused("no plugin reads"))
    yield Case("zip: a storage of zeros, 64 MiB deflated to 64 KiB, of which one view of 8 numbers", {"x.pth": pickles.archive(
        b"\x80\x02}" + text("w") + call(*pickles.REBUILD, *pickles.tensor_arguments(stored=pickles.storage(elements=16 << 20))) + b"s.",
        storages=(), extra=[Member("archive/data/0", bytes(64 << 20), 8)])}, read("", "refused"))


def deflated(data):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def pickled(opcodes):
    return b"\x80\x02" + opcodes + b"."


LEGACY_MAGIC = pickled(b"\x8a\x0a" + (0x1950a86a20f9469cfc6c).to_bytes(10, "little"))
SYS_INFO = pickled(b"}(" + text("protocol_version") + number(1001) + text("little_endian") + b"\x88" + text("type_sizes") + b"}u")


def legacy_state(opcodes=None, elements=8):
    stored = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("k") + text("cpu") + number(elements) + b"NtQ"
    return pickled(opcodes or b"}" + text("w") + call(*pickles.REBUILD, *pickles.tensor_arguments(stored=stored)) + b"s")


def legacy(state=None, keys=(b"k",), elements=8, data=DATA, magic=LEGACY_MAGIC, protocol=1001, info=SYS_INFO):
    listed = pickled(b"](" + b"".join(text(key.decode()) for key in keys) + b"e")
    stored = struct.pack("<q", elements) + data if keys else b""
    return magic + pickled(number(protocol)) + info + (state or legacy_state()) + listed + stored


def older():
    yield Case("legacy: a call", {"x.pth": legacy(legacy_state(SYSTEM), keys=())}, finding("posix.system"))
    yield Case("legacy: a module with its source", {"x.pth": legacy(legacy_state(
        b"(" + text("module") + b"cevil\nNet\n" + text("net.py") + text("import os; os.system('id')") + b"tQ)\x81}" + text("a") + number(1) + b"sb"), keys=())},
        finding("evil.Net"))
    odd = {
        "another magic number": legacy(magic=pickled(number(12345))),
        "another protocol": legacy(protocol=1002),
        "big-endian": legacy(info=pickled(b"}" + text("little_endian") + b"\x89s")),
        "2^62 elements": legacy(elements=1 << 62),
        "a negative number of elements": legacy(elements=-8),
        "fewer elements than the pickle says": legacy(elements=4, data=DATA[:16]),
        "a storage that is cut off": legacy(data=DATA[:20]),
        "bytes after the last storage": legacy(data=DATA + b"\0\0"),
        "the same key twice": legacy(keys=(b"k", b"k"), data=DATA + struct.pack("<q", 8) + DATA),
        "no key for a storage": legacy(keys=(b"other",)),
        "a magic number computed by a call": legacy(magic=pickled(SYSTEM)),
        "system information computed by a call": legacy(info=pickled(SYSTEM)),
        "keys computed by a call": legacy()[:-len(DATA) - 8 - len(pickled(b"](" + text("k") + b"e"))] + pickled(SYSTEM),
        "the magic number alone": LEGACY_MAGIC,
    }
    for name, data in odd.items():
        yield Case("legacy: " + name, {"x.pth": data}, refused("", "finding"))
    parts = {"sys_info": SYS_INFO, "pickle": pickled(b"}" + text("w") + text("1") + b"Qs"), "storages": pickled(number(0)) + pickled(b"]"),
             "tensors": pickled(number(0))}
    yield Case("tar: a call", {"x.pth": tar({**parts, "pickle": pickled(SYSTEM)})}, refused("", "finding"))
    yield Case("tar: a tensor that is not there", {"x.pth": tar(parts)}, refused("does not have"))
    yield Case("tar: 2^31 storages", {"x.pth": tar({**parts, "storages": pickled(number(1 << 31))})}, refused("number of storages"))
    yield Case("tar: names above the folder", {"x.pth": tar({"../../" + name: data for name, data in parts.items()})}, refused("no plugin reads"))
    yield Case("tar: cut off", {"x.pth": tar(parts)[:700]}, refused("no member"))
    script = [Member("archive/data.pkl", STATE), Member("archive/data/0", DATA), Member("archive/constants.pkl", pickled(b")")),
              Member("archive/code/__torch__/m.py", b"import os\nos.system('id')\n"), Member("archive/version", b"3\n")]
    yield Case("TorchScript: evil source beside the weights", {"x.pt": build(script)}, read("", "refused", "finding"))
    yield Case("TorchScript: a call among the constants", {"x.pt": build(
        [*script[:2], Member("archive/constants.pkl", pickled(b"(" + SYSTEM + b"t")), *script[3:]])}, finding("posix.system"))
    yield Case("TorchScript: a call in the module", {"x.pt": build(
        [Member("archive/data.pkl", pickled(b"c__torch__.m\nM\n)\x81}" + text("w") + SYSTEM + b"sb")), *script[1:]])}, finding("posix.system"))
    yield Case("shards: an index that points above the directory", {
        "pytorch_model.bin.index.json": b'{"metadata":{},"weight_map":{"layer.weight":"../secret.bin"}}', "../secret.bin": pickles.BENIGN},
        refused("secret.bin"))


def npy(header, data=b"", version=1, length=None):
    raw = header.encode()
    size = struct.pack("<H" if version == 1 else "<I", len(raw) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + raw + data


def described(descr="'<f4'", order="False", shape="(2, 4)", more=""):
    text_of = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {more}}}"
    return text_of + " " * (-(10 + len(text_of) + 1) % 64) + "\n"


def arrays():
    odd = {
        "an object array": (npy(described("'|O'", shape="(1,)"), pickled(SYSTEM)), "Python objects"),
        "a structured array with an object": (npy(described("[('a', '<f4'), ('b', '|O')]", shape="(1,)"), bytes(12)), "plain arrays"),
        "a call in the header": (npy(described("__import__('os').system('id')"), DATA), "descr"),
        "a call as the shape": (npy(described(shape="exec('import os')"), DATA), "shape"),
        "a lambda in the header": (npy(described(more="'x': (lambda: 1)(),"), DATA), "\"x\""),
        "a shape that overflows": (npy(described(shape="(4294967296, 4294967296, 4)"), DATA), "too large"),
        "a shape of 2^64": (npy(described(shape="(18446744073709551616,)"), DATA), "shape"),
        "a negative shape": (npy(described(shape="(-2, -4)"), DATA), "shape"),
        "a number of a million digits": (npy(described(shape="(" + "9" * 60000 + ",)"), DATA), "header of 60086"),
        "parentheses 30,000 deep": (npy(described(shape="(" * 30000 + ")" * 30000), DATA), "header of 60086"),
        "parentheses 1,000 deep": (npy(described(shape="(" * 1000 + ")" * 1000), DATA), "shape"),
        "a header of 4 GiB": (npy(described(), DATA, 2, 0xffffffff), "4294967295"),
        "a header longer than the file": (npy(described(), DATA, 1, 65535), "65535"),
        "version 9": (npy(described(), DATA, 9), "version 9"),
        "fewer bytes than the shape says": (npy(described(), DATA[:20]), "20 of them"),
        "the shape twice": (npy(described(more="'shape': (1,), "), DATA), "repeated"),
    }
    for name, (data, words) in odd.items():
        yield Case("npy: " + name, {"x.npy": data}, refused(words))
        yield Case("npz: " + name, {"x.npz": build([Member("a.npy", data, 8)])}, refused(words))
    yield Case("npz: 1 TiB deflated from 64 bytes", {"x.npz": build([Member("a.npy", npy(described(), DATA), 8, size=1 << 40)])}, refused("cannot be"))
    yield Case("npz: the same array twice", {"x.npz": build([Member("a.npy", npy(described(), DATA)), Member("a.npy", npy(described(), DATA))])}, refused("two members"))
    yield Case("npz: a name above the folder", {"x.npz": build([Member("../a.npy", npy(described(), DATA))])}, refused(""))


def dcp_files(folder, edit=None, save=torch_zip.save, **options):
    """The files of a small distributed checkpoint, made in `folder`."""
    tensor = torch_zip.tensor("float32", numpy.arange(32).reshape(8, 4))
    tensors = {"model.w": dcp_checkpoint.Sharded(tensor, dcp_checkpoint.columns((8, 4), 2)),
               "model.b": dcp_checkpoint.Sharded(tensor, dcp_checkpoint.rows((8, 4), 2))}
    dcp_checkpoint.write(folder, tensors, {"step": 7}, 2, edit=edit, save=save, **options)
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


def storage_of(metadata, number_of):
    return list(metadata["storage_data"].values())[number_of].state


def on_storage(number_of, **changes):
    def edit(metadata):
        storage_of(metadata, number_of).update(changes)
    return edit


EVIL = dcp_checkpoint.Call(dcp_checkpoint.Global("posix", "system"), ("id",))


def distributed(folder):
    def evil_entry(metadata):
        metadata["planner_data"] = EVIL

    def evil_chunk(value):
        return torch_zip.save({"w": value, "x": EVIL} if isinstance(value, torch_zip.Tensor) else value)

    def evil_value(value):
        return torch_zip.save(value if isinstance(value, torch_zip.Tensor) else EVIL)

    def many_chunks(metadata):
        # Columns cut in two, each at another row: slabs of rows that all columns touch.
        count, entry = 10000, metadata["state_dict_metadata"]["model.w"].state
        classes = dcp_checkpoint.Classes("current", True)
        boxes = [box for column in range(count) for box in (((0, column), (column, 1)), ((column, column), (count - column, 1))) if box[1][0]]
        entry["size"] = classes.size((count, count))
        entry["chunks"] = classes.chunks(dcp_checkpoint.Box(*box, 0) for box in boxes)
        for offsets, _ in boxes:
            metadata["storage_data"][classes.index("model.w", offsets, 0)] = classes.storage_info("empty.distcp", 0, 0, None)
        metadata["storage_data"] = {key: info for key, info in metadata["storage_data"].items() if info.state["length"] == 0
                                    or key.state["fqn"] != "model.w"}

    def traversed(name):
        return {**dcp_files(folder, on_storage(1, relative_path=name)), "../secret": torch_zip.save(pickles.WEIGHTS)}

    odd = {
        "a file above the directory": (traversed("../secret"), "no name of a file"),
        "a file above the directory by a detour": (traversed("a/../../secret"), "no name of a file"),
        "an absolute path": (traversed("/etc/passwd"), "no name of a file"),
        "a path with a NUL": (traversed("__0_0.distcp\0.txt"), "no name of a file"),
        "a file that is not there": (traversed("__9_0.distcp"), "__9_0.distcp"),
        "its metadata as the file": (traversed(".metadata"), ""),
        "an item of 2^62 bytes": (dcp_files(folder, on_storage(1, length=1 << 62)), "goes beyond the end"),
        "an item at byte 2^63 - 1": (dcp_files(folder, on_storage(1, offset=(1 << 63) - 1)), "goes beyond the end"),
        "an item that begins in another": (dcp_files(folder, on_storage(2, offset=10)), ""),
        "an item of another type": (dcp_files(folder, on_storage(1, offset="0")), "no offset"),
        "a transformed item": (dcp_files(folder, on_storage(1, transform_descriptors=["stream.zstd"])), "stream.zstd"),
        "20,000 chunks that take forever to compare": ({**dcp_files(folder, many_chunks), "empty.distcp": b""}, "too long"),
        "a chunk that is a dict with a call": (dcp_files(folder, save=evil_chunk), "not a tensor"),
    }
    for name, (files, words) in odd.items():
        yield Case("dcp: " + name, files, refused(words), "")
    yield Case("dcp: a call in the metadata", dcp_files(folder, evil_entry), finding("posix.system"), "")
    yield Case("dcp: a call in a value", dcp_files(folder, save=evil_value), finding("posix.system"), "")
    cut = dcp_files(folder)
    cut[".metadata"] = cut[".metadata"][:-100]
    yield Case("dcp: metadata that is cut off", cut, refused("", "finding"), "")
    whole = dcp_files(folder)
    yield Case("dcp: metadata that is a call", {**whole, ".metadata": pickled(SYSTEM)}, refused("not the Metadata"), "")


def cases(folder):
    return [*zips(), *older(), *arrays(), *distributed(folder)]
