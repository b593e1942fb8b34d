"""What every script test shares: running the program, a folder to write in, and sentences as test names."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import unittest

PROGRAM = os.environ.get("HEIRLOOM_PROGRAM", "heirloom")
SOURCE = os.environ["HEIRLOOM_SOURCE_DIR"]
WORK = os.environ["HEIRLOOM_WORK_DIR"]
SAMPLES = os.path.normpath(os.path.join(SOURCE, "../shared/samples"))
LICENCE_LM = os.path.join(SOURCE, "examples/licence-lm-2m")
IS_SANITIZED = bool(os.environ.get("HEIRLOOM_SANITIZED"))
TOOLS = os.path.join(SOURCE, "tests/tools")


class Done:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-4000:]}"


def run(*arguments, **options):
    """Runs the program to its end; text in `out` and `err`."""
    options.setdefault("timeout", 300)
    process = subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, encoding="utf-8", errors="backslashreplace", **options)
    return Done(process)


def checkpoint(architecture, folder, *options):
    """A small faithful checkpoint of an architecture (tests/tools/make_checkpoint.py)."""
    subprocess.run([sys.executable, os.path.join(TOOLS, "make_checkpoint.py"), architecture, folder, *options],
                   check=True, stdout=subprocess.DEVNULL)
    return folder


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


class Case(unittest.TestCase):
    """A test with an empty folder of its own, `self.folder`. The docstring is the sentence that is printed."""
    maxDiff = 4000
    # --provenance of `must("convert", ...)`, where the arguments do not say; None: the program's own. Tests that look at files
    # and bytes of other things say "none".
    provenance = None

    def setUp(self):
        self.folder = os.path.join(WORK, self.id().split(".", 1)[1])
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def must(self, *arguments, code=0, **options):
        """Runs the program and asks for this exit code."""
        if self.provenance and arguments[0] == "convert" and "--provenance" not in arguments:
            arguments += ("--provenance", self.provenance)
        done = run(*arguments, **options)
        self.assertEqual(done.code, code, f"heirloom {' '.join(map(str, arguments))}\n{done}")
        return done

    def must_json(self, *arguments, code=0):
        done = self.must(*arguments, code=code)
        try:
            return json.loads(done.out)
        except ValueError as error:
            self.fail(f"stdout is not one JSON value: {error}\n{done}")

    def must_not_exist(self, *paths):
        for path in paths:
            self.assertFalse(os.path.lexists(path), f"{path} exists")


def main():
    """Runs the calling script's cases; each prints its sentence and what became of it."""
    os.makedirs(WORK, exist_ok=True)
    unittest.main(module="__main__", verbosity=2, argv=[sys.argv[0]] + sys.argv[1:])
