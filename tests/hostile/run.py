"""Hostile files: each is refused or reported, and nothing of it runs. The program works under a filter that lets it read the
input and itself, write its output, and nothing else (confine.cpp); its memory stays within 64 MiB of a benign file's."""
import collections
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import unittest

import containers
import pickles
import program

CONFINE = os.environ["HEIRLOOM_CONFINE"]
MIB = 1 << 20
MEMORY = 64 * MIB
CPU_SECONDS = 10
HANGS = 120
# Where the program itself lies, and what its libraries look at.
ITSELF = [os.path.dirname(os.path.dirname(program.PROGRAM)), "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ssl/openssl.cnf",
          "/sys/devices/system/cpu", "/sys/fs/cgroup", "/proc/meminfo", "/proc/sys/vm",
          "/sys/kernel/mm", "/dev/null"]
PEAK = re.compile(r"confine: peak (\d+) kB")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # what a terminal would obey
FORBIDDEN = 99

Outcome = collections.namedtuple("Outcome", "code out err peak")


def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def confined(command, readable, writable):
    """Runs a command that may read and write there only."""
    environment = {**os.environ, "LD_PRELOAD": CONFINE, "HEIRLOOM_CONFINE_READ": ":".join(map(os.path.realpath, readable)),
                   "HEIRLOOM_CONFINE_WRITE": ":".join([*map(os.path.realpath, writable), "/dev/null"])}
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="backslashreplace", timeout=HANGS, env=environment, preexec_fn=limits)
    peak = PEAK.search(done.stderr)
    return Outcome(done.returncode, done.stdout, done.stderr, int(peak.group(1)) * 1024 if peak else None)


def formats():
    return {entry["id"] for entry in json.loads(program.run("formats", "--json").out)["formats"]}


class Hostile(program.Case):
    def put(self, case):
        """Writes the case's files into a folder below the test's; returns what the program is given."""
        shutil.rmtree(self.path("input"), ignore_errors=True)
        os.makedirs(self.path("input/model"))
        for name, data in case.files.items():
            self.write(os.path.normpath(os.path.join("input/model", name)), data)
        primary = case.primary if case.primary is not None else next(iter(case.files))
        return os.path.join(self.path("input/model"), primary)

    def heirloom(self, *arguments, source):
        shutil.rmtree(self.path("out"), ignore_errors=True)
        os.makedirs(self.path("out"))
        done = confined([program.PROGRAM, *arguments], [*ITSELF, self.path("input/model")], [self.path("out")])
        what = f"heirloom {' '.join(arguments)}\n{program_text(done)}"
        self.assertIn(done.code, (0, 1, 2, 3), what)
        self.assertIsNotNone(done.peak, what)
        self.assertNotIn("internal", done.err, what)
        self.assertIsNone(CONTROL.search(done.out + done.err), what)
        return done

    def check_memory(self, done, benign):
        self.assertLess(done.peak - benign, MEMORY, f"{(done.peak - benign) / MIB:.0f} MiB more than a benign file takes")

    def check(self, case, benign, peaks):
        source = self.put(case)
        target = self.path("out/converted")
        inspected = self.heirloom("inspect", source, "--json", "--tensors", "--metadata", source=source)
        kinds = (case.outcome.kind, *case.outcome.others)
        kind = {0: "read", 1: "finding", 2: "refused"}[inspected.code]
        self.assertIn(kind, kinds, program_text(inspected))
        if kind == "refused":
            self.assertIn("input/model", inspected.err, "the message does not name the file")
            self.assertEqual(inspected.out, "")
        if kind == "finding":
            found = [finding["what"] for finding in json.loads(inspected.out)["findings"]]
            self.assertTrue(found, inspected.out)
        if kind == case.outcome.kind:
            words = inspected.err if kind == "refused" else str(found) if kind == "finding" else inspected.out
            self.assertIn(case.outcome.words, words)
        self.check_memory(inspected, benign)
        converted = self.heirloom("convert", source, target, "--as-is", "--to", "safetensors", source=source)
        self.check_memory(converted, benign)
        may_convert = kind == "read" and (case.outcome.converts or case.outcome.kind != "read")
        self.assertIn(converted.code, (0, 2, 3) if may_convert else (2,), program_text(converted))
        if kind == "finding":
            self.assertIn("nothing of it was run", converted.err)
            converted = self.heirloom("convert", source, target, "--as-is", "--to", "safetensors", "--allow-findings", source=source)
            self.check_memory(converted, benign)
        if converted.code == 2:
            self.assertEqual(os.listdir(self.path("out")), [], "something half-written stays")
        peaks.append((max(inspected.peak, converted.peak) - benign, case.name, kind))

    def test_hostile_files(self):
        """every file of the corpus: refused or reported as it must be, with nothing run, opened or written, in little memory"""
        known = formats()
        self.write("input/model/x.pth", pickles.BENIGN)
        source = self.path("input/model/x.pth")
        benign = max(self.heirloom("inspect", source, source=source).peak,
                     self.heirloom("convert", source, self.path("out/x"), "--as-is", "--to", "safetensors", source=source).peak)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["x"])
        cases = pickles.CASES + containers.cases(self.path("made"))
        self.assertEqual(len({case.name for case in cases}), len(cases), "two cases have one name")
        tried, peaks, left_out = 0, [], 0
        only = os.environ.get("HEIRLOOM_HOSTILE_ONLY", "")
        for case in cases:
            if only not in case.name:
                continue
            if case.name.startswith(("npy", "npz")) and not known & {"npy", "numpy"}:
                left_out += 1
                continue
            with self.subTest(case=case.name):
                self.check(case, benign, peaks)
                tried += 1
        print(f"{tried} of {len(cases)} files, {left_out} left out for want of a plugin", end=" ")
        if os.environ.get("HEIRLOOM_HOSTILE_PEAKS"):
            for peak, name, kind in sorted(peaks, reverse=True):
                print(f"\n{peak / MIB:8.1f} MiB  {kind:8} {name}", end="")
        if not only:
            self.assertGreaterEqual(tried, 60)

    def test_the_watchman(self):
        """the filter notices what it is for: processes, sockets, files that are read, written, made or removed elsewhere"""
        deeds = {
            "import os; os.fork()": "started a process",
            "import os; os.execv('/bin/true', ['true'])": "started a program",
            "import socket; socket.socket()": "opened a socket",
            "open('/etc/passwd')": "opened /etc/passwd",
            f"open({self.path('x')!r}, 'w')": "opened for writing",
            f"import os; os.mkdir({self.path('x')!r})": "changed",
            f"import os; os.rename({self.path('out')!r}, {self.path('in')!r})": "changed",
        }
        os.makedirs(self.path("out"))
        allowed = [*ITSELF, "/etc/localtime", "/etc/locale.alias", sys.prefix]
        for deed, words in deeds.items():
            with self.subTest(deed=deed):
                done = confined([sys.executable, "-S", "-I", "-c", deed], allowed, [self.path("out")])
                self.assertEqual(done.code, FORBIDDEN, program_text(done))
                self.assertIn(words, done.err)
        done = confined([sys.executable, "-S", "-I", "-c", f"open({self.path('out/x')!r}, 'w').write('x')"], allowed, [self.path("out")])
        self.assertEqual(done.code, 0, program_text(done))
        self.assertGreater(done.peak, MIB)


def program_text(done):
    return f"exit {done.code}\nstdout: {done.out[-1500:]}\nstderr: {done.err[-3000:]}"


program.main()
