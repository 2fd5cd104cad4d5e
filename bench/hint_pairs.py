#!/usr/bin/env python3
"""Counts the pairs (cardinal, button) that hints state correctly and wrongly, by task.

    turnhalle run scenarios/frozen_lake_obscure_easy_compact.json --agent A --store FILE …
    bench/hint_pairs.py FILE

A store does not hold the hidden buttons; they are read off the moves of the whole lifecycle. A
pair that no move of its lifecycle shows is counted as not shown.
"""
import collections
import re
import sqlite3
import sys

MOVE = re.compile(r"Direction ([1-4]) moved you from \((\d),(\d)\) to \((\d),(\d)\)")
PAIR = re.compile(r"(Down|Right|Up|Left)([1-4])")
CARDINAL = {(1, 0): "Down", (0, 1): "Right", (-1, 0): "Up", (0, -1): "Left"}


def main() -> None:
    database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    buttons = collections.defaultdict(dict)
    for lifecycle, text in database.execute(
            "SELECT lifecycle, observation FROM turns ORDER BY lifecycle, episode, turn"):
        for digit, r0, c0, r1, c1 in MOVE.findall(text or ""):
            step = (int(r1) - int(r0), int(c1) - int(c0))
            buttons[lifecycle][digit] = CARDINAL[step]
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    for lifecycle, position, context in database.execute(
            "SELECT lifecycle, position, context FROM episodes WHERE kind = 'solve'"):
        if position == 0:
            continue
        row = counts[position]
        row[0] += 1
        for cardinal, digit in PAIR.findall(context or ""):
            true = buttons[lifecycle].get(digit)
            row[1 if true == cardinal else 3 if true is None else 2] += 1
    print("after task  hints  correct  wrong  not shown   (pairs of 4, mean)")
    for position in sorted(counts):
        hints, correct, wrong, unknown = counts[position]
        print(f"{position:>10}  {hints:>5}  {correct / hints:>7.2f}  {wrong / hints:>5.3f}  "
              f"{unknown / hints:>9.3f}")


main()
