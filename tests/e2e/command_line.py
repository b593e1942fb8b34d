"""The contract of the command line: exit codes, what is on stdout, --json, --help."""
import json
import os
import re

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
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--threads", "many"], "many"),
                                (["convert", program.LICENCE_LM, self.path("o.gguf"), "--memory", "lots"], "lots"),
                                (["convert", program.LICENCE_LM, self.path("o.xyz"), "--to", "xyz"], "xyz")):
            with self.subTest(arguments=arguments):
                done = self.must(*arguments, code=2)
                self.assertEqual(done.out, "")
                self.assertIn(word, done.err)
                self.assertNotEqual(done.err, "")
        self.assertEqual(os.listdir(self.folder), [])

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


program.main()
