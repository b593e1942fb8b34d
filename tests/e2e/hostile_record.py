"""Records of other people: a file of a record costs memory and time like its size, not many times that."""
import os
import subprocess
import time

import program

MIB = 1 << 20


class HostileRecord(program.Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("m.gguf")
        self.must("convert", program.LICENCE_LM, self.model, "--quantize", "q8_0")
        self.said = ""

    def peak(self, *arguments):
        """Peak memory and seconds of one run; what it said is in `said`."""
        with open(self.path("said"), "wb") as said:
            start = time.monotonic()
            process = subprocess.Popen([program.PROGRAM, *arguments], stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.said = program.bytes_of(self.path("said")).decode(errors="replace")
        self.assertIn(process.returncode, (0, 1, 2), self.said[:2000])
        return usage.ru_maxrss * 1024, time.monotonic() - start

    def bounded(self, part, data, says, *arguments):
        kept = program.bytes_of(self.model + part)
        self.write("m.gguf" + part, kept + data)
        peak, seconds = self.peak(*(arguments or ("verify", self.model)))
        self.assertIn(says, self.said)
        print(f"\n    {part} of {len(data) / MIB:.0f} MiB: {peak / MIB:.0f} MiB, {seconds:.1f} s", end=" ", flush=True)
        if not program.IS_SANITIZED:
            self.assertLess(peak, 256 * MIB + 4 * len(data))  # what this script holds counts, too
        self.write("m.gguf" + part, kept)

    def test_receipts(self):
        """a line of numbers without end, and lines of lists without end, are refused before they are read"""
        self.bounded(".tensor-receipts.jsonl", b'{"in":[' + b"0," * (30 * MIB) + b"0]}\n", "is longer than 32 MiB")
        line = b'{"in":[' + b"[]," * MIB + b"0]}\n"
        self.bounded(".tensor-receipts.jsonl", line * 18, "values")

    def test_log(self):
        """nor are envelopes of many signatures or values, or garbage without a line end"""
        signature = b'{"keyid":"x","sig":"AAAA"},'
        envelope = b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[' + signature * 80000 + signature[:-1] + b"]}\n"
        keys = self.path("k")
        self.must("keygen", keys)
        self.must("sign", self.model, "--events", "--key", keys)
        events = ("verify-signature", self.model, "--events", "--key", keys + ".pub")
        for data, says in ((envelope * 8, "more than 256 values"), (b"[" + b"0," * (15 * MIB) + b"0]\n", "more than 256 values"),
                           (b"x" * (60 * MIB), "longer than 32 MiB"), (b"x" * (30 * MIB), "")):
            self.bounded(".intoto.jsonl", data, says)
            self.bounded(".intoto.jsonl", data, says, *events)

    def test_ledger(self):
        """a ledger of values without end is refused before it is read"""
        self.write("m.gguf.metadata-ledger.json", b"")
        self.bounded(".metadata-ledger.json", b'{"items":[' + b"0," * (20 * MIB) + b"0]}\n", "values")


if __name__ == "__main__":
    program.main()
