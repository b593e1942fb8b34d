"""Receipts of families that rearrange, change, stack and unpack: replayed from the source, each gives its tensor bit for bit."""
import program

# Rows in another order, numbers with an addend, exponentials, experts in one tensor, weights in two tensors, zeros behind.
FAMILIES = ("LlamaForCausalLM", "Gemma2ForCausalLM", "MambaForCausalLM", "MixtralForCausalLM", "DeepseekV3ForCausalLM.fp8",
            "GptOssForCausalLM", "FalconForCausalLM", "GPT2LMHeadModel")


class Reproduce(program.Case):
    def check_replayed(self, path, source, *options):
        report = self.must_json("verify", path, "--source", source, "--reproduce", "--json", *options)
        self.assertEqual(report["mismatches"], [])
        self.assertGreater(len(report["replayed"]), 3)
        self.assertEqual([row for row in report["replayed"] if row["verdict"] != "same"], [])

    def test_families(self):
        """both ways, into blocks and back, with little memory and with much, on one thread and on all"""
        for family in FAMILIES:
            with self.subTest(family=family):
                source = program.checkpoint(family, self.path(family))
                made, back = self.path(family + ".gguf"), self.path(family + "-back")
                self.must("convert", source, made, "--quantize", "Q8_0")
                self.check_replayed(made, source)
                self.check_replayed(made, source, "--threads", "1", "--memory", "8MiB")
                self.must("convert", made, back + "/")
                self.check_replayed(back, made)

    def test_importance(self):
        """what was made with an importance matrix is made again with the same one alone"""
        import imatrix_file
        plain, made = self.path("p.gguf"), self.path("m.gguf")
        self.must("convert", program.LICENCE_LM, plain, "--quantize", "f16")
        names = {f"blk.{layer}.ffn_up.weight": (256, 512) for layer in range(2)}
        matrices = [self.write(name, imatrix_file.gguf_bytes(imatrix_file.random_entries(names, seed=seed))) for seed, name in ((1, "a"), (2, "b"))]
        self.must("convert", plain, made, "--quantize", "Q4_K_M", "--imatrix", matrices[0])
        self.check_replayed(made, plain, "--imatrix", matrices[0])
        for options, says in (((), "--imatrix"), (("--imatrix", matrices[1]), "not the one")):
            report = self.must_json("verify", made, "--source", plain, "--reproduce", "--json", *options, code=1)
            self.assertEqual(len(report["not_shown"]), len(names))
            off = [row for row in report["replayed"] if row["verdict"] != "same"]
            self.assertEqual({row["name"] for row in off}, set(names))
            self.assertTrue(all(says in row["why"] for row in off), off)


program.main()
