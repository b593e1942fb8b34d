"""The contract of the command line: exit codes, what is on stdout, --json, --help."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time

import make_large
import program
import safetensors_file
from safetensors_file import Tensor

EXPECTED_COMMANDS = {"convert", "inspect", "diff", "plugins"}


def listed_commands():
    """The commands that `heirloom --help` lists."""
    text = program.run("--help").out
    block = re.search(r"^\[?(?:Subcommands|Commands|SUBCOMMANDS|COMMANDS)\]?:?[^\n]*\n((?:[ \t]+\S[^\n]*\n|\n(?=[ \t]))+)", text, re.M)
    return re.findall(r"^  ?([a-z][a-z-]*)\b", block.group(1), re.M) if block else []


class CommandLine(program.Case):
    @classmethod
    def setUpClass(cls):
        os.makedirs(program.WORK, exist_ok=True)
        cls.gguf = os.path.join(program.WORK, "toy.gguf")
        done = program.run("convert", program.LICENCE_LM, cls.gguf, "--quantize", "BF16", "--force")
        assert done.code == 0, done

    def test_help_of_every_command(self):
        """every command has a --help on stdout with an example of itself"""
        commands = listed_commands()
        self.assertLessEqual(EXPECTED_COMMANDS, set(commands), program.run("--help").out)
        for command in commands:
            with self.subTest(command=command):
                done = self.must(command, "--help")
                self.assertRegex(done.out, rf"(?i)example[^\n]*\n?[^\n]*\n?\s*heirloom {command}\b")
                self.assertEqual(done.err, "")

    def test_wrong_use(self):
        """an unknown option, an unknown command, a missing argument: exit 2, stdout empty, the word in the message"""
        for arguments, word in ((["convert", "--no-such-option", "a", "b"], "--no-such-option"), (["no-such-command"], "no-such-command"),
                                (["convert"], ""), (["inspect"], ""), (["diff", self.gguf], ""),
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--quantize", "Q99_X"], "Q99_X"),
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--quantize", ""], "--quantize"),
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--threads", "many"], "many"),
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--memory", "lots"], "lots"),
                                (["convert", program.LICENCE_LM, self.path("o.xyz"), "--to", "xyz"], "xyz"),
                                (["provenance", self.gguf, "--format", "foo"], '--format "foo" is none of text, json or dot'),
                                (["keygen", self.path("k"), "--curve", "P-1"], '--curve "P-1" is none of P-256, P-384 or P-521'),
                                (["convert", program.LICENCE_LM, self.path("o"), "--provenance", "\x1b[2J"], "none of full, embed, beside or none")):
            with self.subTest(arguments=arguments):
                done = self.must(*arguments, code=2)
                self.assertEqual(done.out, "")
                self.assertIn(word, done.err)
                self.assertNotEqual(done.err, "")
        self.assertEqual(os.listdir(self.folder), [])

    def test_export_to_a_file(self):
        """export --output refuses a file that is there without --force, and says why it cannot write"""
        out = self.write("bom.json", b"keep")
        arguments = ("export", self.gguf, "--format", "slsa", "--output")
        self.assertIn("--force", self.must(*arguments, out, code=2).err)
        self.assertEqual(program.bytes_of(out), b"keep")
        self.must(*arguments, out, "--force")
        self.assertTrue(json.loads(program.bytes_of(out)))
        self.assertIn("no such directory", self.must(*arguments, self.path("none", "x.json"), code=2).err)
        self.assertEqual(os.listdir(self.folder), ["bom.json"])

    def test_no_plugins(self):
        """plugins --why says so where there is none"""
        program_alone = shutil.copy(program.PROGRAM, self.path("heirloom"))
        done = subprocess.run([program_alone, "plugins", "--why"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, "--plugin-dir" in done.stdout), (0, True), done)

    def test_json_is_safe_to_show(self):
        """--json holds no character that moves a cursor or turns the direction of text, and says the same"""
        name = "a\u009b31m\u202e\u200bb"
        self.write("a.safetensors", safetensors_file.file_bytes({name: safetensors_file.Tensor("U8", [1], b"x")}))
        done = self.must("inspect", self.path("a.safetensors"), "--tensors", "--json")
        self.assertTrue(done.out.isascii())
        self.assertIn(name, json.dumps(json.loads(done.out), ensure_ascii=False))

    def test_diff_answers(self):
        """diff: exit 0 for the same, 1 for different, 2 when it cannot tell"""
        tensors, metadata = safetensors_file.read_file(os.path.join(program.LICENCE_LM, "model.safetensors"))
        self.must("diff", program.LICENCE_LM, program.LICENCE_LM)
        self.must("diff", program.LICENCE_LM, self.gguf)
        changed = dict(tensors)
        data = bytearray(changed["lm_head.weight"].data)
        data[1] ^= 1
        changed["lm_head.weight"] = changed["lm_head.weight"]._replace(data=bytes(data))
        self.write("a.safetensors", safetensors_file.file_bytes(tensors, metadata))
        self.write("b.safetensors", safetensors_file.file_bytes(changed, metadata))
        self.write("c.safetensors", safetensors_file.file_bytes({k: v for k, v in tensors.items() if k != "lm_head.weight"}))
        for name in ("b.safetensors", "c.safetensors"):
            done = self.must("diff", self.path("a.safetensors"), self.path(name), code=1)
            self.assertIn("lm_head.weight", done.out)
        self.assertIn("absent", self.must("diff", self.gguf, self.path("absent"), code=2).err)

    def test_json(self):
        """--json: one JSON value on stdout and nothing else there"""
        report = json.dumps(self.must_json("inspect", self.gguf, "--json", "--tensors", "--metadata"))
        for word in ("olmo2", "token_embd.weight", "tokenizer.ggml.model", "general.architecture"):
            self.assertIn(word, report)
        self.must_json("inspect", program.LICENCE_LM, "--json")
        self.must_json("convert", program.LICENCE_LM, self.path("o.gguf"), "--json")
        self.must_json("convert", program.LICENCE_LM, self.path("p.gguf"), "--json", "--dry-run")
        self.must_not_exist(self.path("p.gguf"))
        self.must_json("diff", program.LICENCE_LM, self.gguf, "--json")
        self.must_json("plugins", "--json")

    def test_stdout_is_the_result(self):
        """the talk goes to stderr, the result to stdout; neither has colours when nobody looks at a terminal"""
        shown = self.must("inspect", self.gguf, "--tensors")
        self.assertIn("token_embd.weight", shown.out)
        self.assertEqual(shown.err, "")
        converted = self.must("convert", program.LICENCE_LM, self.path("o.gguf"), "--progress", "json")
        for line in filter(None, converted.err.splitlines()):
            json.loads(line)
        for done in (shown, converted, self.must("inspect", self.path("absent"), code=2)):
            self.assertNotIn("\x1b", done.out + done.err)
            self.assertNotIn("\r", done.out + done.err)

    def test_dry_run(self):
        """--dry-run prints the plan, names every tensor, and writes nothing"""
        done = self.must("convert", program.LICENCE_LM, self.path("o.gguf"), "--quantize", "Q8_0", "--dry-run")
        for word in ("blk.1.attn_q.weight", "q8_0"):
            self.assertIn(word, done.out.lower())
        self.assertEqual(os.listdir(self.folder), [])

    def test_repeated_options(self):
        """an option that may be repeated takes one value each time"""
        done = self.must_json("convert", "--tensor-type", "ffn_up=q4_1", "--tensor-type", "ffn_down=q5_1", program.LICENCE_LM,
                              self.path("o.gguf"), "--quantize", "Q8_0", "--dry-run", "--json")
        encodings = json.dumps(done)
        for word in ("q4_1", "q5_1", "q8_0"):
            self.assertIn(word, encodings)

    def test_control_bytes_in_names(self):
        """a tensor name with escape codes reaches neither stdout nor stderr as it is"""
        name = "evil\x1b[31m\nname"
        source = self.write("evil.safetensors", safetensors_file.file_bytes({name: Tensor("F32", (8,), bytes(32))}))
        done = program.run("inspect", source, "--tensors")
        self.assertIn(done.code, (0, 2))
        self.assertNotIn("\x1b", done.out + done.err)
        self.assertNotIn("evil\x1b[31m\nname", done.out)

    def test_lost_metadata(self):
        """metadata that the target cannot hold: exit 3 and its key, nothing written; --allow-loss goes on"""
        source = self.write("meta.safetensors", safetensors_file.file_bytes({"a": Tensor("F32", (8,), bytes(32))},
                                                                            {"note": "kept", "general.architecture": "x"}))
        out = self.path("o.gguf")
        done = program.run("convert", source, out, "--as-is")
        self.assertIn(done.code, (0, 3), done)
        if done.code == 3:
            self.assertIn("general.architecture", done.err)
            self.must_not_exist(out)
            self.must("convert", source, out, "--as-is", "--allow-loss")

    def test_closed_descriptors(self):
        """with any of stdin, stdout and stderr closed the output holds the same bytes, and nothing of the talk"""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"):
            for verbosity in ([], ["--progress", "json"]):
                with self.subTest(closed=closed, verbosity=verbosity):
                    out = self.path("o.gguf")
                    command = [program.PROGRAM, "convert", program.LICENCE_LM, out, "--quantize", "BF16", "--force", *verbosity]
                    code = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *command], timeout=300).returncode
                    self.assertEqual(code, 0)
                    self.assertEqual(program.bytes_of(out), program.bytes_of(self.gguf))

    def test_full_talk(self):
        """a stderr that takes nothing does not stop the work; a stdout that takes nothing is an error"""
        out = self.path("o.gguf")
        command = [program.PROGRAM, "convert", program.LICENCE_LM, out, "--quantize", "BF16", "--progress", "json"]
        with open("/dev/full", "w") as full:
            self.assertEqual(subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, timeout=300).returncode, 0)
            self.assertEqual(program.bytes_of(out), program.bytes_of(self.gguf))
            for arguments in (["inspect", self.gguf], ["--help"]):
                done = subprocess.run([program.PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=300)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"cannot write to standard output", done.stderr)

    def test_closed_pipe(self):
        """a reader that goes away is an error, not a death by signal"""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([program.PROGRAM, "inspect", self.gguf], stdout=writer, stderr=subprocess.PIPE, timeout=300)
        os.close(writer)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"cannot write to standard output", done.stderr)

    def test_file_size_limit(self):
        """an output beyond the limit of a file's size is an error that names it, and leaves nothing"""
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        done = self.must("convert", program.LICENCE_LM, self.path("o.gguf"), code=2, preexec_fn=limit)
        self.assertIn("o.gguf", done.err)
        self.assertEqual(os.listdir(self.folder), [])

    def test_hang_up(self):
        """a terminal that goes away ends a conversion and leaves nothing; under nohup the conversion goes on"""
        source = self.path("model")
        make_large.make(source, 300)
        for is_ignored, code, left in ((False, 2, ["model"]), (True, 0, ["model", "out"])):
            with self.subTest(is_ignored=is_ignored):
                action = signal.SIG_IGN if is_ignored else signal.SIG_DFL
                process = subprocess.Popen([program.PROGRAM, "convert", source, self.path("out"), "--threads", "1", "--memory", "8MiB"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                           preexec_fn=lambda: signal.signal(signal.SIGHUP, action))
                while process.poll() is None and not os.path.exists(self.path("out.partial")):
                    time.sleep(0.001)
                process.send_signal(signal.SIGHUP)
                self.assertEqual(process.wait(timeout=60), code)
                self.assertEqual(sorted(os.listdir(self.folder)), left)

    def test_strange_targets(self):
        """a target that cannot be looked at, or is the source in spite of --force, is one line that names it"""
        os.symlink("loop", self.path("loop"))
        source = shutil.copytree(program.LICENCE_LM, self.path("source"))
        before = {name: program.sha256_of(os.path.join(source, name)) for name in os.listdir(source)}
        for target in ("loop", "loop/x.gguf", "a" * 300 + ".gguf", "source/model.safetensors", "source/config.json", "source/"):
            with self.subTest(target=target):
                done = self.must("convert", source, self.path(target), "--to", "gguf", "--force", code=2)
                self.assertEqual(done.out, "")
                self.assertIn(target.rstrip("/"), done.err)
                self.assertNotIn("internal", done.err)
        self.assertEqual({name: program.sha256_of(os.path.join(source, name)) for name in os.listdir(source)}, before)

    def test_control_bytes_in_file_names(self):
        """no file name with escape codes reaches the terminal as it is"""
        source = shutil.copytree(program.LICENCE_LM, self.path("evil\x1b[31m\nname"))
        target = self.path("o\x1b[2J.gguf")
        for arguments in (["inspect", source], ["convert", source, target], ["convert", source, target],
                          ["convert", source, self.path("absent", "o\x1b[2J.gguf")],
                          ["convert", source, os.path.join(source, "m.gguf")]):
            with self.subTest(arguments=arguments):
                done = program.run(*arguments)
                self.assertNotIn("\x1b", done.out + done.err)
                self.assertIn("\\x1b[", done.out + done.err)


program.main()
