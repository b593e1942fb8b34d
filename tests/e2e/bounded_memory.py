"""Memory stays within --memory whatever a tensor's size, and the bytes do not depend on threads or memory."""
import os
import shutil
import unittest

import make_large
import program
import safetensors_file
import watched

MIB = 1 << 20
PROGRAM_ITSELF = 24 * MIB  # libraries, plans, thread stacks: what is there besides the data being moved


class Memory(program.Case):
    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def watch(self, source, out, memory, *options):
        """Peak of anonymous memory."""
        done = watched.Watched([program.PROGRAM, "convert", source, out, "--force", "--memory", memory, *options])
        self.assertEqual(done.code, 0, done.err)
        self.assertGreater(done.samples, 5, "too fast to be watched")
        print(f"\n    {os.path.basename(out)} {memory} {' '.join(options)}: peak {done.peak / MIB:.0f} MiB, {done.seconds:.1f} s",
              end=" ", flush=True)
        return done.peak

    def convert(self, source, name, memory, *options):
        """Peak of anonymous memory and the digest of what came out."""
        out = self.path(name)
        peak = self.watch(source, out, memory, *options)
        digest = program.sha256_of(out)
        os.remove(out)
        return peak, digest

    def bounded(self, source, largest, memory_mib):
        limit = memory_mib * MIB + PROGRAM_ITSELF
        self.assertGreater(largest, limit, "the tensor would fit into memory, so this would show nothing")
        digests = {}
        for recipe in ("BF16", "Q8_0"):
            for threads in ("1", "2", "8"):
                peak, digest = self.convert(source, f"{recipe}.gguf", f"{memory_mib}MiB", "--quantize", recipe, "--threads", threads)
                self.assertLess(peak, limit)
                digests.setdefault(recipe, set()).add(digest)
        return digests

    def test_300_mib(self):
        """300 MiB with tensors of 120 MiB under --memory 32MiB: bounded, and the same bytes from 1, 2 and 8 threads"""
        total, largest = make_large.make(self.path("model"), 300)
        self.assertGreater(total, 250 * MIB)
        digests = self.bounded(self.path("model"), largest, 32)
        for recipe, found in digests.items():
            self.assertEqual(len(found), 1, f"{recipe}: threads change the bytes")
        _, digest = self.convert(self.path("model"), "Q8_0.gguf", "1GiB", "--quantize", "Q8_0")
        self.assertEqual({digest}, digests["Q8_0"], "--memory changes the bytes")

    def test_shards(self):
        """the same 300 MiB in four shards: bounded too"""
        _, largest = make_large.make(self.path("model"), 300, 4)
        peak, _ = self.convert(self.path("model"), "Q8_0.gguf", "32MiB", "--quantize", "Q8_0")
        self.assertLess(peak, 32 * MIB + PROGRAM_ITSELF)
        self.assertGreater(largest, 32 * MIB + PROGRAM_ITSELF)

    def test_there_and_back(self):
        """300 MiB to BF16 GGUF and back, both under --memory 32MiB: bounded, every tensor byte for byte"""
        source, gguf, back = self.path("model"), self.path("model.gguf"), self.path("back")
        make_large.make(source, 300)
        for begin, end, options in ((source, gguf, ("--quantize", "BF16")), (gguf, back, ())):
            self.assertLess(self.watch(begin, end, "32MiB", *options), 32 * MIB + PROGRAM_ITSELF)
        self.assertTrue(safetensors_file.read_checkpoint(source) == safetensors_file.read_checkpoint(back), "other tensors")

    @unittest.skipUnless(os.environ.get("HEIRLOOM_BIG_TESTS") == "1", "1 checkpoint of 4 GB not tried: set HEIRLOOM_BIG_TESTS=1")
    def test_4_gb(self):
        """4 GB in three shards with tensors of 1.5 GB under --memory 128MiB: bounded, and the same bytes from 1, 2 and 8 threads"""
        total, largest = make_large.make(self.path("model"), 3840, 3)
        self.assertGreater(total, 3_900_000_000)
        self.assertGreater(largest, 1_500_000_000)
        for recipe, found in self.bounded(self.path("model"), largest, 128).items():
            self.assertEqual(len(found), 1, f"{recipe}: threads change the bytes")


program.main()
