#!/usr/bin/env python3
"""Turns `kernels_bench --json` on stdin into the rows of README.md's table of encodings."""
import json
import sys


def main():
    rows = {}
    for one in json.load(sys.stdin):
        rows.setdefault(one["encoding"], {})[one["way"]] = one
    for encoding, ways in rows.items():
        def cell(way, field):
            value = ways.get(way, {}).get(field, 0)
            return f"{value:.3g}" if value else ""
        cells = (cell("encode", "speedup_over_ggml"), cell("weighted", "speedup_over_ggml"), cell("decode", "speedup_over_ggml"),
                 cell("encode", "time_over_copy"), cell("decode", "time_over_copy"))
        is_same = all(one["identity"] != "DIFFERENT" for one in ways.values())
        print(f"| {encoding}{'' if is_same else ' (DIFFERENT)'} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
