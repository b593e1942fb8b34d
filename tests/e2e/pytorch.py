"""PyTorch agrees: what torch.save writes, in every container, layout and data type, reads to torch's own values."""
import collections
import json
import os
import struct
import unittest

import program
import safetensors_file

try:
    import torch
except ImportError:
    torch = None

SAFETENSORS = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
               "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "complex64": "C64"}


def dtype_name(tensor):
    return str(tensor.dtype).split(".")[1]


def raw(tensor):
    """The tensor's elements row by row, as bytes. Torch makes them contiguous, not we."""
    plain = tensor.detach().contiguous().reshape(-1)
    if plain.numel() == 0:
        return b""
    if plain.dtype == torch.bool:
        return bytes(plain.to(torch.uint8).tolist())
    if plain.dtype == torch.bfloat16:
        return plain.view(torch.int16).numpy().tobytes()
    return plain.numpy().tobytes()


def numbers(*shape, dtype="float32", seed=1):
    generator = torch.Generator().manual_seed(seed)
    kind = getattr(torch, dtype)
    if kind.is_complex:
        return torch.complex(torch.randn(*shape, generator=generator), torch.randn(*shape, generator=generator)).to(kind)
    if kind.is_floating_point:
        return torch.randn(*shape, generator=generator).to(kind)
    return torch.randint(0, 2 if dtype == "bool" else 100, shape, generator=generator).to(kind)


def flat(value, name=""):
    """{dotted name: tensor} of nested dicts and lists."""
    if isinstance(value, torch.Tensor):
        return {name or "tensor": value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    found = {}
    for key, item in items:
        found.update(flat(item, f"{name}.{key}" if name else str(key)))
    return found


@unittest.skipUnless(torch, "python3-torch is absent: none of 15 ways to save tried (tests/install_deps.sh installs it)")
class Pytorch(program.Case):
    provenance = "none"

    def compare(self, source, expected, *options):
        """The checkpoint, converted to safetensors as it is, has these tensors and no others."""
        target = self.path(os.path.basename(str(source).rstrip("/")) + ".out.safetensors")
        self.must("convert", source, target, "--as-is", "--allow-loss", "--force", *options)
        found, _ = safetensors_file.read_file(target)
        self.assertEqual(sorted(found), sorted(expected))
        for name, tensor in expected.items():
            self.assertEqual(found[name].dtype, SAFETENSORS[dtype_name(tensor)], name)
            self.assertEqual(found[name].shape, tuple(tensor.shape), name)
            self.assertTrue(found[name].data == raw(tensor), f"{name}: other values")

    def save(self, value, name, **options):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        torch.save(value, path, **options)
        return path

    def in_both_containers(self, value):
        for is_zip in (True, False):
            with self.subTest(zip=is_zip):
                path = self.save(value, "zip.pt" if is_zip else "legacy.pt", _use_new_zipfile_serialization=is_zip)
                self.compare(path, flat(torch.load(path)))

    def test_data_types(self):
        """every data type that safetensors has, in the zip and in the legacy container"""
        self.in_both_containers({f"a.{dtype}": numbers(5, 3, dtype=dtype) for dtype in SAFETENSORS})

    def test_layouts(self):
        """views, transposes, slices with steps, expanded and empty tensors, scalars"""
        base = numbers(6, 8)
        self.in_both_containers({
            "base": base, "transposed": base.t(), "row": base[3], "column": base[:, 2], "steps": base[::2, 1::3],
            "window": base[1:4, 2:7], "permuted": numbers(2, 3, 4, 5, seed=2).permute(3, 1, 0, 2),
            "expanded": numbers(1, 4, seed=3).expand(5, 4), "empty": torch.empty(0, 4), "scalar": torch.tensor(2.5),
            "channels_last": numbers(2, 3, 4, 5, seed=4).contiguous(memory_format=torch.channels_last),
            "halves": base.to(torch.bfloat16).t()[1:], "flags": (base > 0).t(), "turned": numbers(3, 4, dtype="complex64").t()})

    def test_large_transpose(self):
        """a transposed matrix of 24 MB, gathered through windows and by several threads"""
        path = self.save({"w": numbers(3000, 2000).t()}, "large.pt")
        self.compare(path, flat(torch.load(path)), "--threads", "2", "--memory", "64MiB")

    def test_sharing(self):
        """tied weights and views of one storage keep their values, each under its own name"""
        shared = numbers(4, 4)
        self.in_both_containers({"embed": shared, "head": shared, "part": shared[1:3], "last": shared.reshape(-1)[-3:]})

    def test_nesting(self):
        """nested dicts, lists, integer keys, OrderedDict, Parameter, and a module's own state_dict"""
        layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        self.in_both_containers({
            "state_dict": layer.state_dict(), "parameter": torch.nn.Parameter(numbers(2, 2)),
            "list": [numbers(2), {"x": numbers(3)}], 7: numbers(1), "ordered": collections.OrderedDict(a=numbers(2)),
            "epoch": 3, "note": "text"})

    def test_alone(self):
        """a tensor that is the whole file is called "tensor" """
        self.in_both_containers(numbers(3))

    def test_protocols(self):
        """every protocol of pickle that torch.save can be told to use"""
        for protocol in (1, 2, 3, 4, 5):
            for is_zip in (True, False):
                path = self.save({"w": numbers(3), "v": numbers(2, dtype="float16")}, f"p{protocol}{is_zip}.pt",
                                 pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
                self.compare(path, flat(torch.load(path)))

    def test_sharded(self):
        """two shards with an index, named as a directory and by the index"""
        parts = [{"a": numbers(3), "b": numbers(2, 2, seed=5)}, {"c": numbers(4, dtype="bfloat16")}]
        weight_map = {}
        for number, part in enumerate(parts, 1):
            name = f"pytorch_model-{number:05}-of-00002.bin"
            self.save(part, "sharded/" + name)
            weight_map.update(dict.fromkeys(part, name))
        index = self.path("sharded/pytorch_model.bin.index.json")
        with open(index, "w", encoding="utf-8") as file:
            json.dump({"metadata": {"total_size": 36}, "weight_map": weight_map}, file)
        for source in (self.path("sharded"), index):
            self.compare(source, {**parts[0], **parts[1]})

    def test_ranks(self):
        """consolidated.NN.pth of two ranks"""
        ranks = [{"norm.weight": numbers(3, seed=rank), "output.weight": numbers(2, 3, seed=rank + 9)} for rank in range(2)]
        for rank, tensors in enumerate(ranks):
            self.save(tensors, f"meta/consolidated.{rank:02}.pth")
        self.compare(self.path("meta"), {f"consolidated.{rank:02}.{name}": tensor for rank, tensors in enumerate(ranks)
                                         for name, tensor in tensors.items()})

    def test_optimizer(self):
        """an optimizer's state is left out, and read when asked for"""
        layer = torch.nn.Linear(3, 2)
        optimizer = torch.optim.Adam(layer.parameters())
        layer(numbers(4, 3)).sum().backward()
        optimizer.step()
        path = self.save({"model": layer.state_dict(), "optimizer": optimizer.state_dict()}, "training.ckpt")
        loaded = flat(torch.load(path))
        self.compare(path, {name: tensor for name, tensor in loaded.items() if name.startswith("model.")})
        self.compare(path, loaded, "--source-option", "optimizer_state=true")

    def test_prefix(self):
        """the wrappers of a training script are cut off by option"""
        plain = {"w": numbers(3), "b": numbers(2)}
        path = self.save({"state_dict": {"module." + name: tensor for name, tensor in plain.items()}}, "wrapped.pt")
        self.compare(path, plain, "--source-option", "strip_prefix=auto")
        self.compare(path, plain, "--source-option", "strip_prefix=state_dict.module.")

    def test_script(self):
        """a TorchScript module's parameters and buffers"""
        layer = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
        path = self.path("script.pt")
        torch.jit.script(layer).save(path)
        self.compare(path, {name: tensor for name, tensor in layer.state_dict().items()})

    def test_whole_module(self):
        """a module saved whole, which names foreign classes, gives the tensors of its state_dict once findings are allowed"""
        layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        for is_zip in (True, False):
            path = self.save(layer, f"module{is_zip}.pt", _use_new_zipfile_serialization=is_zip)
            self.assertEqual(program.run("inspect", path).code, 1)
            self.compare(path, layer.state_dict(), "--allow-findings")

    def test_tar(self):
        """a tar file of torch 0.1, written by hand and read by torch too"""
        import io
        import pickle
        import tarfile
        values = numbers(2, 3, dtype="float64")
        storages = pickle.dumps(1, 2) + pickle.dumps((11, "cpu", torch.DoubleStorage), 2) + struct.pack("<q", 6) + raw(values)
        storages += pickle.dumps([(12, 11, 2, 4)], 2)
        tensors = pickle.dumps(2, 2)
        for key, storage, shape, strides, offset in ((1, 11, (3, 2), (1, 3), 0), (2, 12, (2,), (1,), 1)):
            tensors += pickle.dumps((key, storage, torch.DoubleTensor), 2)
            tensors += struct.pack(f"<ii{2 * len(shape) + 1}q", len(shape), 0, *shape, *strides, offset)

        class Pickler(pickle.Pickler):
            def persistent_id(self, value):
                return str(value[1]) if isinstance(value, tuple) and value and value[0] == "tensor" else None

        out = io.BytesIO()
        Pickler(out, 2).dump({"a": ("tensor", 1), "b": ("tensor", 2)})
        path = self.path("old.pt")
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            machine = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
            for name, content in (("sys_info", pickle.dumps(machine, 2)), ("storages", storages), ("tensors", tensors),
                                  ("pickle", out.getvalue())):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        expected = flat(torch.load(path))
        self.assertEqual(sorted(expected), ["a", "b"])
        self.assertTrue(torch.equal(expected["a"], values.t()))
        self.compare(path, expected)

    def test_foreign_global(self):
        """inspect tells what a file would make Python call, with exit code 1, and runs nothing"""
        marker = self.path("ran")

        class Evil:
            def __reduce__(self):
                return os.system, (f"touch {marker}",)

        path = self.save({"w": numbers(3), "x": Evil()}, "evil.pt")
        done = program.run("inspect", path)
        self.assertEqual(done.code, 1, done)
        self.assertIn("posix.system", done.out + done.err)
        self.assertFalse(os.path.exists(marker))
        self.assertEqual(program.run("convert", path, self.path("out.safetensors"), "--as-is").code, 2)


program.main()
