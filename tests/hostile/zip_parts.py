"""Zip archives whose every record can be spoiled: each member says what its local header and its directory entry claim."""
import struct
import zlib


class Member:
    """`payload` are the bytes that lie there, `size` and `crc` what is claimed of the content. Keys of `local` and `entry`
    override what one of the two records says: name, flags, method, crc, stored, size, offset, disk."""
    def __init__(self, name, content=b"", method=0, payload=None, local=None, entry=None, **claims):
        self.name, self.content, self.method = name, content, method
        if payload is None:
            payload = content
            if method == 8:
                deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
                payload = deflater.compress(content) + deflater.flush()
        self.payload = payload
        self.claims = {"name": name, "flags": 0x0800, "method": method, "crc": zlib.crc32(content), "stored": len(payload),
                       "size": len(content), "disk": 0, **claims}
        self.local, self.entry = local or {}, entry or {}


def build(members, end=None, comment=b"", before=b"", zip64=False):
    """`end` overrides the end record: count, bytes, offset, disk. An entry's `at` makes it point to another member, or `into` it."""
    out, starts, directory = bytearray(before), [], bytearray()
    for member in members:
        claims = {**member.claims, **member.local}
        starts.append(len(out))
        if member.entry.get("at"):          # no bytes of its own
            continue
        name = claims["name"].encode("utf-8", "surrogateescape")
        extra, sizes = b"", (claims["stored"], claims["size"])
        if max(sizes) > 0xfffffffe:
            extra, sizes = struct.pack("<HHQQ", 1, 16, claims["size"], claims["stored"]), (0xffffffff, 0xffffffff)
        out += struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, claims["flags"], claims["method"], 0, 0, claims["crc"], *sizes,
                           len(name), len(extra)) + name + extra + member.payload
    begin = len(out)
    first = {member.name: start for member, start in reversed(list(zip(members, starts)))}
    for member, start in zip(members, starts):
        claims = {**member.claims, "offset": first[member.entry["at"]] + member.entry.get("into", 0) if "at" in member.entry else start, **member.entry}
        name = claims["name"].encode("utf-8", "surrogateescape")
        extra, sizes = b"", [claims["stored"], claims["size"], claims["offset"]]
        if max(sizes) > 0xfffffffe:
            extra = struct.pack("<HHQQQ", 1, 24, sizes[1], sizes[0], sizes[2])
            sizes = [0xffffffff] * 3
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, claims["flags"], claims["method"], 0, 0, claims["crc"],
                                 sizes[0], sizes[1], len(name), len(extra), 0, claims["disk"], 0, 0, sizes[2]) + name + extra
    out += directory
    says = {"count": len(members), "bytes": len(directory), "offset": begin, "disk": 0, **(end or {})}
    if zip64:
        at = len(out)
        out += struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, says["count"], says["count"], says["bytes"], says["offset"])
        out += struct.pack("<IIQI", 0x07064b50, 0, at, 1)
        out += struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, len(comment)) + comment
    else:
        out += struct.pack("<IHHHHIIH", 0x06054b50, says["disk"], says["disk"], says["count"], says["count"], says["bytes"],
                           says["offset"], len(comment)) + comment
    return bytes(out)
