"""make_dcp_samples.py FOLDER - distributed checkpoints for heirloom-conform, small and of every kind."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))

import numpy

import dcp_checkpoint
import torch_zip
from dcp_checkpoint import Sharded

folder = sys.argv[1]
matrix = torch_zip.tensor("float32", numpy.arange(24).reshape(4, 6))
half = torch_zip.tensor("bfloat16", numpy.arange(6))
scalar = torch_zip.tensor("int64", numpy.array(7))
dcp_checkpoint.write(os.path.join(folder, "one_rank"), {"w": Sharded(matrix), "b": Sharded(half), "step": Sharded(scalar)}, {"epoch": 3},
                     style="torch_1_13", protocol=2, planner_data=False)
dcp_checkpoint.write(os.path.join(folder, "rows"), {"model.w": Sharded(matrix, dcp_checkpoint.rows((4, 6), 2))}, ranks=2)
dcp_checkpoint.write(os.path.join(folder, "columns"), {"model.w": Sharded(matrix, dcp_checkpoint.columns((4, 6), 2)), "optim.state.w.exp_avg": Sharded(matrix)},
                     {"optim.lr": 0.5, "names": ["a", "b"]}, 2)
dcp_checkpoint.write_olmo_core(os.path.join(folder, "step10"), {"model.w": Sharded(matrix, dcp_checkpoint.grid((4, 6), (2, 2)))}, {"model": {}}, ranks=4)
