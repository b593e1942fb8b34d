"""What remains when a conversion cannot finish: nothing under the final name, and the source as it was."""
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest

import make_large
import program

MIB = 1 << 20


def can_mount():
    """Whether a private mount namespace with a tmpfs can be had, as root or in a user namespace."""
    probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return probe.returncode == 0


class Interrupted(program.Case):
    def must_be_clean(self, *names):
        self.must_not_exist(*(self.path(name) for name in names))
        self.assertFalse([n for n in os.listdir(self.folder) if n.endswith(".partial")], "partial output left")

    def test_failing_writes(self):
        """a write that fails (file size limit): exit 2, the output's name in the message, nothing left"""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for name in ("out.gguf", "out"):
            with self.subTest(name=name):
                done = self.must("convert", program.LICENCE_LM, self.path(name), code=2, preexec_fn=limit, restore_signals=False)
                self.assertIn(self.path(name), done.err)
                self.must_be_clean(name)

    @unittest.skipUnless(can_mount(), "1 case not tried: a tmpfs cannot be mounted here")
    def test_full_disk(self):
        """a disk that is full: exit 2, a message that says so, nothing left on it"""
        for name in ("out.gguf", "out"):
            with self.subTest(name=name):
                script = ('mount -t tmpfs -o size=2m none "$1" && shift && target=$1 && shift && "$@"; code=$?; '
                          'echo "left: $(ls -A "$(dirname "$target")" | wc -l)"; exit $code')
                os.makedirs(self.path("disk"), exist_ok=True)
                target = self.path("disk", name)
                done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", self.path("disk"), target,
                                       program.PROGRAM, "convert", program.LICENCE_LM, target],
                                      capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, "(?i)no space")
                self.assertIn("left: 0", done.stdout)

    def kill_in_the_middle(self, source, name, sent):
        """Starts a conversion, sends the signal once output has begun to appear; the exit status."""
        process = subprocess.Popen([program.PROGRAM, "convert", source, self.path(name), "--threads", "1", "--memory", "32MiB",
                                    *(["--quantize", "Q8_0"] if name.endswith(".gguf") else [])],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if os.path.exists(self.path(name + ".partial")):
                process.send_signal(sent)
                break
        return process.wait(timeout=60)

    def test_killed(self):
        """kill -9 in the middle: no final name; converting again gives the bytes of an undisturbed run"""
        source = self.path("model")
        make_large.make(source, 300)
        self.must("convert", source, self.path("whole.gguf"), "--quantize", "Q8_0")
        for name in ("out.gguf", "out"):
            with self.subTest(name=name):
                self.assertEqual(self.kill_in_the_middle(source, name, signal.SIGKILL), -signal.SIGKILL, "ended before the signal")
                self.must_not_exist(self.path(name))
                self.must("convert", source, self.path(name), *(["--quantize", "Q8_0"] if name.endswith(".gguf") else []))
                self.must("diff", source, self.path(name), code=1 if name.endswith(".gguf") else 0)
        self.assertEqual(program.sha256_of(self.path("out.gguf")), program.sha256_of(self.path("whole.gguf")))

    def test_cancelled(self):
        """an interrupt or a request to end: exit 2, nothing left, the final name free"""
        source = self.path("model")
        make_large.make(source, 300)
        for sent in (signal.SIGINT, signal.SIGTERM):
            for name in ("out.gguf", "out"):
                with self.subTest(name=name, signal=sent.name):
                    self.assertEqual(self.kill_in_the_middle(source, name, sent), 2, "ended before the signal, or by it")
                    self.must_be_clean(name)

    def test_ended_while_planning(self):
        """a pattern that takes for ever: a request to end is heard at once, and there is no output"""
        process = subprocess.Popen([program.PROGRAM, "convert", program.LICENCE_LM, self.path("out.gguf"), "--quantize", "Q8_0",
                                    "--tensor-type", "((.*)*)*((.*)*)*~=f16"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self.assertRaises(subprocess.TimeoutExpired, msg="the pattern takes no time"):
            process.wait(timeout=2)
        process.terminate()
        self.assertEqual(process.wait(timeout=10), -signal.SIGTERM)
        self.must_be_clean("out.gguf")

    def test_existing_output(self):
        """an output that exists is refused and untouched without --force, and replaced with it"""
        path = self.write("out.gguf", b"precious")
        done = self.must("convert", program.LICENCE_LM, path, code=2)
        self.assertIn("--force", done.err)
        self.assertEqual(program.bytes_of(path), b"precious")
        self.must("convert", program.LICENCE_LM, path, "--force")
        self.assertEqual(program.bytes_of(path)[:4], b"GGUF")
        folder = os.path.dirname(self.write("out/precious.txt", b"precious"))
        done = self.must("convert", program.LICENCE_LM, folder, code=2)
        self.assertEqual(os.listdir(folder), ["precious.txt"])

    def test_output_onto_its_source(self):
        """writing over the source is refused, with --force too"""
        source = self.path("model")
        shutil.copytree(program.LICENCE_LM, source)
        before = program.sha256_of(os.path.join(source, "model.safetensors"))
        for target in (source, source + "/", os.path.join(self.folder, ".", "model")):
            self.must("convert", source, target, "--force", code=2)
        self.assertEqual(program.sha256_of(os.path.join(source, "model.safetensors")), before)
        gguf = self.path("a.gguf")
        self.must("convert", source, gguf, "--quantize", "BF16")
        before = program.sha256_of(gguf)
        os.symlink("a.gguf", self.path("b.gguf"))
        for target in (gguf, self.path("b.gguf")):
            self.must("convert", gguf, target, "--force", code=2)
        self.assertEqual(program.sha256_of(gguf), before)

    def test_target_folder_is_absent(self):
        """a target in a folder that does not exist: exit 2 and its name, or the folder is made; no crash either way"""
        done = program.run("convert", program.LICENCE_LM, self.path("absent", "out.gguf"))
        self.assertIn(done.code, (0, 2), done)
        if done.code == 2:
            self.assertIn("absent", done.err)
            self.must_not_exist(self.path("absent"))


program.main()
