"""Distributed checkpoints (torch.distributed.checkpoint) of any number of ranks, without torch
(formats/facts/torch-dcp.md).

    write(folder, {"model.w": Sharded(tensor, rows(4))}, items={"step": 7}, ranks=4, style="olmo_core")"""
import collections
import itertools
import os

import pickle_writer
import torch_zip
from pickle_writer import Call, Global

# A box of a tensor: where it begins, how large it is, and the rank that writes it.
Box = collections.namedtuple("Box", "offsets sizes rank")
# A tensor (torch_zip.Tensor) and its boxes; None: rank 0 writes it whole.
Sharded = collections.namedtuple("Sharded", "tensor boxes", defaults=(None,))

SHARD = "torch.distributed._shard.sharded_tensor.metadata"
# style -> modules of the metadata classes, of TensorProperties, its enum's name, and of _StorageInfo
STYLES = {
    "torch_1_13": ("torch.distributed._shard.checkpoint.metadata", SHARD, "MEM_FORMAT_ENCODING",
                   "torch.distributed._shard.checkpoint.filesystem"),
    "torch_2_0": ("torch.distributed.checkpoint.metadata", SHARD, "MEM_FORMAT_ENCODING",
                  "torch.distributed.checkpoint.filesystem"),
    "current": ("torch.distributed.checkpoint.metadata", "torch.distributed.checkpoint.metadata", "_MEM_FORMAT_ENCODING",
                "torch.distributed.checkpoint.filesystem"),
    "olmo_core": ("torch.distributed.checkpoint.metadata", "torch.distributed.checkpoint.metadata", "_MEM_FORMAT_ENCODING",
                  "olmo_core.distributed.checkpoint.filesystem"),
}


def split(size, parts):
    """(offset, size) of torch.chunk: equal parts, the last ones smaller or missing."""
    step = -(-size // parts)
    return [(begin, min(step, size - begin)) for begin in range(0, size, step)] if size else [(0, 0)]


def grid(shape, parts):
    """Boxes of a tensor split into parts[d] along dimension d, one rank each."""
    cuts = [split(size, count) for size, count in zip(shape, parts)]
    return [Box(tuple(begin for begin, _ in cut), tuple(size for _, size in cut), rank)
            for rank, cut in enumerate(itertools.product(*cuts))]


def along(shape, axis, parts):
    return grid(shape, [parts if dimension == axis else 1 for dimension in range(len(shape))])


def rows(shape, parts):
    return along(shape, 0, parts)


def columns(shape, parts):
    return along(shape, 1, parts)


class Classes:
    """Symbols of the classes in `.metadata`."""
    def __init__(self, style, enum_by_getattr):
        self.metadata, self.properties, self.enum, self.storage = STYLES[style]
        self.enum_by_getattr = enum_by_getattr

    def object(self, module, name, state):
        return Call(Global(module, name), (), state, "newobj")

    def size(self, numbers):
        return Call(Global("torch", "Size"), (tuple(numbers),))

    def tensor_properties(self, dtype):
        enum = Global(self.properties, self.enum)
        contiguous = Call(Global("builtins", "getattr"), (enum, "TORCH_CONTIGUOUS_FORMAT")) if self.enum_by_getattr \
            else Call(enum, (0,))
        strided = Call(Global("torch.serialization", "_get_layout"), ("torch.strided",))
        return self.object(self.properties, "TensorProperties", (Global("torch", dtype), strided, False, contiguous, False))

    def chunks(self, boxes):
        return [self.object(self.metadata, "ChunkStorageMetadata",
                            {"offsets": self.size(box.offsets), "sizes": self.size(box.sizes)}) for box in boxes]

    def tensor(self, dtype, shape, boxes):
        return self.object(self.metadata, "TensorStorageMetadata",
                           {"properties": self.tensor_properties(dtype), "size": self.size(shape), "chunks": self.chunks(boxes)})

    def bytes_item(self):
        return self.object(self.metadata, "BytesStorageMetadata", None)

    def index(self, name, offsets, number):
        return self.object(self.metadata, "MetadataIndex",
                           {"fqn": name, "offset": None if offsets is None else self.size(offsets), "index": number})

    def storage_info(self, path, offset, length, transforms):
        state = {"relative_path": path, "offset": offset, "length": length}
        if transforms is not None:
            state["transform_descriptors"] = transforms
        return self.object(self.storage, "_StorageInfo", state)

    def storage_meta(self, folder):
        path = Call(Global("pathlib", "PosixPath"), tuple(["/"] + folder.strip("/").split("/")))
        return self.object(self.metadata, "StorageMeta",
                           {"checkpoint_id": path, "save_id": "00000000-0000-4000-8000-000000000000", "load_id": None,
                            "modules": []})


def box_of(tensor, box):
    where = tuple(slice(begin, begin + size) for begin, size in zip(box.offsets, box.sizes))
    return torch_zip.tensor(tensor.dtype, tensor.array[where].reshape(box.sizes))


def write(folder, tensors, items=None, ranks=1, style="current", protocol=4, enum_by_getattr=True, planner_data=True,
          version="2.9", files_per_rank=1, paths=None, edit=None, save=torch_zip.save):
    """Writes `.metadata` and the .distcp files. `items` are the values that are no tensors. `paths` overrides the tuples
    of planner_data. `edit(metadata)` may spoil the state of Metadata, a dict, before it is pickled."""
    os.makedirs(folder, exist_ok=True)
    classes, described, storage = Classes(style, enum_by_getattr), {}, {}
    contents = collections.defaultdict(bytearray)
    turn = collections.Counter()

    def put(rank, name, offsets, number, data):
        turn[rank] += 1
        path = f"__{rank % ranks}_{turn[rank] % files_per_rank}.distcp"
        storage[classes.index(name, offsets, number)] = classes.storage_info(path, len(contents[path]), len(data), None)
        contents[path] += data

    for name, value in (items or {}).items():
        described[name] = classes.bytes_item()
        put(0, name, None, None, save(value))
    for name, sharded in tensors.items():
        shape = sharded.tensor.array.shape
        boxes = sharded.boxes or [Box((0,) * len(shape), shape, 0)]
        described[name] = classes.tensor(sharded.tensor.dtype, shape, boxes)
        for number, box in enumerate(boxes):
            put(box.rank, name, box.offsets, number, save(box_of(sharded.tensor, box)))
    metadata = {"state_dict_metadata": described, "planner_data": None, "storage_data": storage}
    if planner_data:
        metadata["planner_data"] = {name: (paths or {}).get(name, tuple(name.split(".", 1))) for name in described}
    if style in ("current", "olmo_core"):
        metadata["storage_meta"] = classes.storage_meta("/checkpoints/run/step1000")
    if style == "current":
        metadata["version"] = version
    if edit:
        edit(metadata)
    top = classes.object(classes.metadata, "Metadata", metadata)
    for path, data in contents.items():
        with open(os.path.join(folder, path), "wb") as file:
            file.write(data)
    with open(os.path.join(folder, ".metadata"), "wb") as file:
        file.write(pickle_writer.dumps(top, protocol))
    return folder


def write_olmo_core(folder, tensors, config, **options):
    """A step directory as OLMo-core leaves it: config.json, model_and_optim/, train/."""
    import json
    os.makedirs(os.path.join(folder, "train"), exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    with open(os.path.join(folder, ".metadata.json"), "w", encoding="utf-8") as file:
        json.dump({"version": "v2"}, file)
    with open(os.path.join(folder, "train", "rank0.pt"), "wb") as file:
        file.write(torch_zip.save({"global_step": 1000}))
    write(os.path.join(folder, "model_and_optim"), tensors, style="olmo_core", **options)
    return folder
