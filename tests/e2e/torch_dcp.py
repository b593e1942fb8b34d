"""Distributed checkpoints: torch's own of several ranks read to torch's values, and those of every layout and writer to ours."""
import os
import unittest

import numpy

import dcp_checkpoint
import program
import safetensors_file
import torch_zip
from dcp_checkpoint import Box, Sharded

try:
    import torch_distributed
    torch_distributed.import_torch()
    HAS_TORCH = True
except ImportError:
    HAS_TORCH = False

SAFETENSORS = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
               "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
               "complex64": "C64"}


def numbers(dtype, shape, seed):
    """Elements whose bytes are all different from their neighbours'."""
    width = numpy.dtype(torch_zip.DTYPES[dtype][1]).itemsize
    count = int(numpy.prod(shape, dtype=int))
    dice = numpy.random.default_rng(seed)
    raw = dice.integers(0, 2 if dtype == "bool" else 120, count * width, dtype=numpy.uint8)
    return torch_zip.tensor(dtype, raw.view("<" + torch_zip.DTYPES[dtype][1]).reshape(shape))


def layouts(shape, ranks):
    """Every way to cut a matrix that frameworks use."""
    yield None
    yield dcp_checkpoint.rows(shape, ranks)
    yield dcp_checkpoint.columns(shape, ranks)
    if ranks >= 4:
        yield dcp_checkpoint.grid(shape, (ranks // 2, 2))
    rows, columns = shape                   # halves of rows, whose columns are cut in different places
    yield [Box((0, 0), (rows // 2, 3), 0), Box((0, 3), (rows // 2, columns - 3), 1),
           Box((rows // 2, 0), (rows - rows // 2, columns - 1), 0), Box((rows // 2, columns - 1), (rows - rows // 2, 1), 1)]


def model(ranks):
    tensors = {}
    for number, layout in enumerate(layouts((13, 10), ranks)):
        dtype = ("float32", "bfloat16", "float16", "float64", "int64")[number]
        tensors[f"model.layer{number}.weight"] = Sharded(numbers(dtype, (13, 10), number), layout)
    for number, dtype in enumerate(sorted(SAFETENSORS)):
        tensors[f"model.kind.{dtype}"] = Sharded(numbers(dtype, (7, 3), 50 + number), dcp_checkpoint.rows((7, 3), ranks))
    tensors["model.cube"] = Sharded(numbers("float32", (4, 6, 5), 90), dcp_checkpoint.along((4, 6, 5), 1, ranks))
    tensors["model.scalar"] = Sharded(numbers("float32", (), 91))
    tensors["model.none"] = Sharded(numbers("float32", (0, 4), 92))
    tensors["optim.state.layer0.weight.exp_avg"] = Sharded(numbers("float32", (13, 10), 93), dcp_checkpoint.rows((13, 10), ranks))
    return tensors


class TorchDcp(program.Case):
    provenance = "none"

    def converted(self, source, *options):
        target = self.path("out")
        self.must("convert", source, target, "--as-is", "--to", "safetensors", "--force", "--allow-loss", *options)
        return safetensors_file.read_checkpoint(target)

    def same(self, found, tensors):
        self.assertEqual(set(found), set(tensors))
        for name, sharded in tensors.items():
            tensor = sharded.tensor
            self.assertEqual(found[name].shape, tensor.array.shape, name)
            self.assertEqual(found[name].dtype, SAFETENSORS[tensor.dtype], name)
            self.assertTrue(found[name].data == tensor.array.tobytes(), f"{name} has other bytes")

    def test_every_layout(self):
        """1, 2, 4 and 8 ranks, rows, columns, grids and uneven boxes, each writer's classes: the tensors that were cut up"""
        for ranks in (1, 2, 4, 8):
            for style, protocol in (("torch_1_13", 2), ("torch_2_0", 4), ("current", 4), ("current", 5), ("olmo_core", 4)):
                with self.subTest(ranks=ranks, style=style, protocol=protocol):
                    tensors = model(ranks)
                    folder = dcp_checkpoint.write(self.path(f"{style}-{ranks}-{protocol}"), tensors, {"step": 7}, ranks, style,
                                                  protocol, enum_by_getattr=ranks > 2, files_per_rank=1 + ranks % 3)
                    wanted = {name: tensor for name, tensor in tensors.items() if not name.startswith("optim.")}
                    self.same(self.converted(folder), wanted)
                    self.same(self.converted(folder, "--source-option", "optimizer_state=true"), tensors)

    def test_small_memory(self):
        """a matrix of 24 MiB cut into columns is put together within 16 MiB, to the same bytes for any number of threads"""
        tensor = numbers("float32", (3000, 2048), 1)
        tensors = {"m": Sharded(tensor, dcp_checkpoint.columns((3000, 2048), 8))}
        folder = dcp_checkpoint.write(self.path("wide"), tensors, ranks=8)
        for threads in (1, 4):
            self.same(self.converted(folder, "--memory", "16MiB", "--threads", threads), tensors)

    def test_olmo_core_directory(self):
        """a step directory of OLMo-core is read as what lies in model_and_optim; the files beside it are kept"""
        folder = dcp_checkpoint.write_olmo_core(self.path("step1000"), model(4), {"model": {"d_model": 10}}, ranks=4)
        self.same(self.converted(folder), {n: t for n, t in model(4).items() if not n.startswith("optim.")})
        self.must("diff", folder, os.path.join(folder, "model_and_optim"))

    def test_what_inspect_says(self):
        """inspect lists values, left-out tensors and no findings"""
        folder = dcp_checkpoint.write(self.path("a"), model(2), {"step": 7, "args": {"lr": 0.5}}, 2)
        report = self.must_json("inspect", folder, "--tensors", "--metadata", "--json")
        text = str(report)
        self.assertIn("optim.state.layer0.weight.exp_avg", text)
        self.assertIn("{'lr': 0.5}", text)
        self.assertNotIn("foreign_global", text)

    def test_damage(self):
        """a flipped bit in a chunk is noticed by its CRC; a missing or shortened file is named"""
        folder = dcp_checkpoint.write(self.path("good"), model(2), ranks=2)
        data = program.bytes_of(os.path.join(folder, "__1_0.distcp"))
        for number, (spoiled, words) in enumerate(((None, "__1_0.distcp"), (data[:-1], "__1_0.distcp"))):
            path = self.write("good/__1_0.distcp", spoiled or b"")
            if spoiled is None:
                os.remove(path)
            done = self.must("convert", folder, self.path(f"bad{number}"), "--as-is", "--to", "safetensors", code=2)
            self.assertIn(words, done.err)
            self.must_not_exist(self.path(f"bad{number}"))
        at = data.index(tensor_bytes := model(2)["model.cube"].tensor.array[:, 3:].tobytes())
        self.write("good/__1_0.distcp", data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        done = program.run("convert", folder, self.path("bad"), "--as-is", "--to", "safetensors")
        self.assertEqual(done.code, 2, f"{len(tensor_bytes)} bytes\n{done}")
        self.assertIn("CRC", done.err)

    @unittest.skipUnless(HAS_TORCH, "python3-torch is absent: 4 checkpoints that torch writes not tried")
    def test_torch_agrees(self):
        """what torch.distributed.checkpoint writes on 1 to 4 ranks reads to the values that torch saved"""
        import torch
        for ranks in (1, 2, 3, 4):
            with self.subTest(ranks=ranks):
                folder = self.path(f"torch{ranks}")
                tensors, items = torch_distributed.save(folder, ranks)
                found = self.converted(folder, "--source-option", "optimizer_state=true")
                self.assertEqual(set(found), set(tensors))
                for name, tensor in tensors.items():
                    self.assertEqual(found[name].shape, tuple(tensor.shape), name)
                    plain = tensor.contiguous()
                    wanted = plain.view(torch.int16).numpy() if plain.dtype == torch.bfloat16 else plain.numpy()
                    self.assertTrue(found[name].data == wanted.tobytes(), f"{name} has other values")
                report = str(self.must_json("inspect", folder, "--metadata", "--json", "--source-option", "optimizer_state=true"))
                for name in items:
                    self.assertIn(name, report)

    @unittest.skipUnless(os.path.isdir(program.SAMPLES), "samples are absent: 1 distributed checkpoint not tried")
    def test_ultraface(self):
        """a real model that torch saved on two ranks has the 184 tensors of its .pth, and the step count beside them"""
        pth = os.path.join(program.SAMPLES, "xformat-ultraface/version-slim-320.pth")
        dcp = os.path.join(program.SAMPLES, "torch-dcp-2rank")
        done = self.must_json("diff", pth, dcp, "--source-option", "strip_prefix=auto", "--json", code=1)
        same = [tensor["name"] for tensor in done["tensors"] if tensor["verdict"] == "identical"]
        others = [tensor["name"] for tensor in done["tensors"] if tensor["verdict"] != "identical"]
        self.assertEqual((len(same), others), (184, ["step"]))


program.main()
