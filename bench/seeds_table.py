#!/usr/bin/env python3
"""Prints the tables of docs/results.md, section 1, from the files of bench/run_seeds."""
import json
import pathlib
import sys


def label(row: dict, scenario: str, trained: bool) -> str:
    name = "after RL" if trained else "warm start"
    name += ", greedy" if row["agent"].endswith("temperature=0") else ", T = 1"
    return name + (", context fixed" if "fixed_context" in scenario else "")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    means: dict[str, list[list[float]]] = {}  # label -> seeds -> tasks
    for path in sorted(folder.glob("eval-*.jsonl")):
        seed = path.stem.split("-")[1]
        last = (folder / f"seed{seed}" / "latest").read_text().strip()
        print(f"| seed {seed} | task 1 | 2 | 3 | 4 |\n| --- | --- | --- | --- | --- |")
        for line in path.read_text().splitlines():
            result = json.loads(line)
            rows = {row["position"]: row for row in result["rows"]}
            rewards = [rows[p]["reward"] for p in sorted(p for p in rows if p != "all")]
            name = label(rows["all"], result["scenario"], last in rows["all"]["agent"])
            means.setdefault(name, []).append([reward["mean"] for reward in rewards])
            cells = [f"{r['mean']:.3f} [{r['low']:.3f}, {r['high']:.3f}]" for r in rewards]
            print(f"| {name} | " + " | ".join(cells) + " |")
        print()
    print("| mean of the seeds [lowest, highest] | task 1 | 2 | 3 | 4 |\n"
          "| --- | --- | --- | --- | --- |")
    for name, seeds in means.items():
        tasks = list(zip(*seeds))
        cells = [f"{sum(t) / len(t):.3f} [{min(t):.3f}, {max(t):.3f}]" for t in tasks]
        print(f"| {name} | " + " | ".join(cells) + " |")


main()
