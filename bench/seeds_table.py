#!/usr/bin/env python3
"""Prints the table of docs/results.md, section 1, from the files of bench/run_seeds."""
import json
import pathlib
import sys


def label(row: dict, scenario: str, trained: bool) -> str:
    name = "after RL" if trained else "warm start"
    name += ", greedy" if row["agent"].endswith("temperature=0") else ", T = 1"
    return name + (", context fixed" if "fixed_context" in scenario else "")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for path in sorted(folder.glob("eval-*.jsonl")):
        seed = path.stem.split("-")[1]
        last = (folder / f"seed{seed}" / "latest").read_text().strip()
        print(f"seed {seed}: shaped reward at tasks 1 to 4 [95 %], 500 held-out packs")
        for line in path.read_text().splitlines():
            result = json.loads(line)
            rows = {row["position"]: row for row in result["rows"]}
            cells = [f"{rows[p]['reward']['mean']:.3f} "
                     f"[{rows[p]['reward']['low']:.3f}, {rows[p]['reward']['high']:.3f}]"
                     for p in sorted(p for p in rows if p != "all")]
            trained = last in rows["all"]["agent"]
            print(f"  {label(rows['all'], result['scenario'], trained):<32} " + "  ".join(cells))


main()
