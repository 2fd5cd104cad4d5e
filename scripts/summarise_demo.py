#!/usr/bin/env python3
"""Puts the evaluations of a demo into DIR/summary.json and prints the table by position.

    scripts/summarise_demo.py DIR phase=seconds …
"""
import json
import pathlib
import sys


def label(agent: str, warm: str) -> str:
    if not agent.startswith("policy:"):
        return agent
    name = "warm start" if f"{warm}/" in agent else "trained"
    return name + (", greedy" if "temperature=0" in agent else "")


def main() -> None:
    run = pathlib.Path(sys.argv[1])
    phases = {name: int(seconds) for name, seconds in (word.split("=") for word in sys.argv[2:])}
    experiment = json.loads((run / "experiment.json").read_text())
    warm = f"step_{experiment['warm_start']['steps']:06d}"
    rows = []
    for part in ("random", "policies", "greedy", "fixed_context", "expert"):
        path = run / f"eval-{part}.json"
        if not path.exists():
            continue
        for row in json.loads(path.read_text())["rows"]:
            row["label"] = label(row["agent"], warm)
            if part == "fixed_context":
                row["label"] += ", context fixed"
            rows.append(row)
    summary = {"experiment": experiment["summary"], "seed": experiment["seed"],
               "rows": rows, "seconds": phases}
    (run / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")

    labels = list(dict.fromkeys(row["label"] for row in rows))
    order = ["random", "demonstrator", "warm start", "trained", "warm start, greedy",
             "trained, greedy", "warm start, context fixed", "trained, context fixed", "expert"]
    labels.sort(key=lambda name: order.index(name) if name in order else len(order))
    positions = sorted({row["position"] for row in rows}, key=str)
    width = max(map(len, labels))
    for what in ("success", "reward"):
        print(f"\n{what} by task, held-out lifecycles, 95 % intervals")
        for name in labels:
            cells = []
            for position in positions:
                for row in rows:
                    if row["label"] == name and row["position"] == position:
                        value = row[what]
                        cells.append(f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]")
            print(f"  {name:<{width}}  " + "  ".join(cells))
    print(f"\n  columns: task {', '.join(str(p + 1) if p != 'all' else 'all' for p in positions)}")
    print(f"Written: {run / 'summary.json'}")


main()
