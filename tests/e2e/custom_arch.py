"""The worked example of a family of one's own (examples/custom_arch)."""
import json
import os
import subprocess
import sys
import unittest

import program

EXAMPLE = os.path.join(program.SOURCE, "examples/custom_arch")
MAP = os.path.join(EXAMPLE, "lantern.json")


class CustomArchitecture(program.Case):
    def setUp(self):
        super().setUp()
        self.lantern = os.path.join(self.folder, "lantern")
        subprocess.run([sys.executable, "-B", os.path.join(EXAMPLE, "make_model.py"), self.lantern], check=True)

    def run_well(self, *arguments):
        done = program.run(*arguments)
        self.assertEqual(done.code, 0, done)
        return done

    def spoiled(self, old, new):
        """The map with one text in the place of another."""
        with open(MAP, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        path = os.path.join(self.folder, "spoiled.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))
        return path

    def test_there_and_back(self):
        """the same tensors as those of the model that it was made of, and back the same checkpoint"""
        gguf, plain, back = (os.path.join(self.folder, name) for name in ("lantern.gguf", "licence.gguf", "back"))
        self.run_well("convert", self.lantern, gguf, "--arch-map", MAP)
        self.run_well("convert", program.LICENCE_LM, plain)
        self.run_well("diff", gguf, plain)
        self.run_well("convert", gguf, back + "/", "--arch-map", MAP)
        self.run_well("diff", self.lantern, back)
        configs = []
        for folder in (self.lantern, back):
            with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
                configs.append(json.load(file))
        self.assertEqual(*configs)

    def test_without_the_map(self):
        """without the map names stay as they are, and that is said"""
        done = self.run_well("convert", self.lantern, os.path.join(self.folder, "x.gguf"))
        self.assertIn("no architecture map for", done.err)

    def test_mistakes(self):
        """a wrong word, a forgotten tensor and a wrong shape are errors that name them"""
        for old, new, words in (('"verb": "split"', '"verb": "spilt"', 'did you mean "split"'),
                                ('"shape"', '"shpae"', 'did you mean "shape"'),
                                ('"blocks.{i}.attn_norm.weight"', '"blocks.{i}.norm.weight"', "has no place for this tensor"),
                                ('"2*intermediate_size"', '"3*intermediate_size"', "has the shape")):
            with self.subTest(new):
                done = program.run("convert", self.lantern, os.path.join(self.folder, "y.gguf"), "--arch-map", self.spoiled(old, new))
                self.assertEqual(done.code, 2, done)
                self.assertIn(words, done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
