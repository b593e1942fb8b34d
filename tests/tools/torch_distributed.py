"""torch's own distributed checkpoints, written by several processes that talk by gloo (torch 1.13 and later):

    torch_distributed.save(folder, ranks)     # -> {name: tensor} that were saved, {name: value} of the rest"""
import dataclasses
import os


def import_torch():
    """torch with its checkpoint module. Python 3.11 refuses one of torch 1.13's dataclasses for a default that has no hash."""
    import torch
    plain = dataclasses.dataclass

    def with_hash(cls=None, **options):
        if getattr(cls, "__name__", "") == "TensorProperties":
            options["unsafe_hash"] = True
        return plain(cls, **options) if cls else plain(**options)
    dataclasses.dataclass = with_hash
    try:
        try:
            import torch.distributed.checkpoint as checkpoint
        except ImportError:
            import torch.distributed._shard.checkpoint as checkpoint
        import torch.distributed._shard.sharded_tensor as sharded
        import torch.distributed._shard.sharding_spec as spec
    finally:
        dataclasses.dataclass = plain
    return torch, checkpoint, sharded, spec


def tensors(torch):
    """name -> tensor, and how its shards lie: None (replicated), a dimension, or a list of boxes (offsets, sizes)."""
    torch.manual_seed(7)
    plain = {
        "model.embeddings.weight": (torch.randn(33, 8), 0),
        "model.blocks.0.w1.weight": (torch.randn(16, 24).to(torch.bfloat16), 1),
        "model.blocks.0.w2.weight": (torch.randn(24, 16).to(torch.float16), 0),
        "model.blocks.0.norm.weight": (torch.randn(16), None),
        "model.blocks.0.cube": (torch.randn(5, 7, 6, dtype=torch.float64), 2),
        "model.blocks.0.tiles": (torch.randn(12, 10), [((0, 0), (5, 4)), ((0, 4), (5, 6)), ((5, 0), (7, 4)), ((5, 4), (7, 6))]),
        "model.steps": (torch.arange(11), None),
        "model.mask": (torch.tensor([True, False, True]), None),
        "model.scale": (torch.tensor(0.5), None),
        "model.view": (torch.randn(6, 9).t()[2:], None),
        "model.empty": (torch.zeros(0, 4), None),
    }
    state = {f"optim.state.{name[6:]}.{kind}": (torch.rand(tensor.shape), dimension)
             for name, (tensor, dimension) in plain.items() if "weight" in name for kind in ("exp_avg", "exp_avg_sq")}
    return plain | state


ITEMS = {"optim.param_groups.0.lr": 0.125, "step": 1234, "note": "kept", "flags": [1, 2, 3], "args": {"a": (1, None)}}


def boxes_of(shape, layout, ranks):
    if isinstance(layout, list):
        return layout
    step = -(-shape[layout] // ranks)
    found = []
    for begin in range(0, shape[layout], step):
        offsets, sizes = [0] * len(shape), list(shape)
        offsets[layout], sizes[layout] = begin, min(step, shape[layout] - begin)
        found.append((tuple(offsets), tuple(sizes)))
    return found


def shard(torch, sharded, spec, tensor, layout, rank, ranks):
    boxes = boxes_of(tensor.shape, layout, ranks)
    shards = [spec.ShardMetadata(list(offsets), list(sizes), f"rank:{number % ranks}/cpu")
              for number, (offsets, sizes) in enumerate(boxes)]
    local = []
    for number, described in enumerate(shards):
        if number % ranks == rank:
            where = tuple(slice(b, b + s) for b, s in zip(described.shard_offsets, described.shard_sizes))
            local.append(sharded.Shard(tensor[where].clone().contiguous(), described))
    return sharded.ShardedTensor._init_from_local_shards(local, list(tensor.shape))


def work(folder, rank, ranks, port):
    torch, checkpoint, sharded, spec = import_torch()
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
    state = {}
    for name, (tensor, layout) in tensors(torch).items():
        state[name] = tensor if layout is None else shard(torch, sharded, spec, tensor, layout, rank, ranks)
    state.update(ITEMS)
    checkpoint.save_state_dict(state, checkpoint.FileSystemWriter(folder, single_file_per_rank=ranks != 3))
    torch.distributed.destroy_process_group()


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def save(folder, ranks):
    """Runs this file as a program for every rank."""
    import subprocess
    import sys
    os.makedirs(folder, exist_ok=True)
    port = free_port()
    processes = [subprocess.Popen([sys.executable, "-B", __file__, folder, str(rank), str(ranks), str(port)]) for rank in range(ranks)]
    failed = [process.wait(240) for process in processes]
    if any(failed):
        raise RuntimeError(f"ranks of torch's checkpoint ended with {failed}")
    torch = import_torch()[0]
    return {name: tensor for name, (tensor, _) in tensors(torch).items()}, ITEMS


if __name__ == "__main__":
    import sys
    work(sys.argv[1], *map(int, sys.argv[2:]))
