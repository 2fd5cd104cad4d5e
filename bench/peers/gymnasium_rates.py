#!/usr/bin/env python3
"""Turns per second of `turnhalle bench simulator` beside Gymnasium's vector environments on the same
task: the frozen lake with hidden buttons in its short wording, text in and text out, random play.

    $(bench/peers/gymnasium_setup) bench/peers/gymnasium_rates.py build/bin/turnhalle [--rounds 5]

Both sides draw boards, read `<answer>Direction N</answer>` and write the observation; neither plays
updates of the context. In every round the two take turns, so that other load meets both. Prints one
JSON object: turns per second and, from round to round, their ratios.
"""

import argparse
import json
import pathlib
import random
import re
import statistics
import subprocess
import tempfile
import time

import gymnasium

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "scenarios" / "frozen_lake_obscure_easy_compact.json"
ANSWER = re.compile(r"<answer>\s*[Dd]irection\s*([1-4])\s*</answer>")
MOVES = ((1, 0), (0, 1), (-1, 0), (0, -1))
REPLIES = tuple(f" <answer>Direction {n}</answer>" for n in range(1, 5))
PAIRS = (("1 thread", "bare environment"), ("1 thread", "SyncVectorEnv"),
         ("2 threads", "AsyncVectorEnv"))
TEXT = gymnasium.spaces.Text(max_length=4096)


def is_near(side, holes, start, goal, depth):
    """Whether a depth-first search of this depth finds the goal."""
    stack, visited = [(start, 0)], set()
    while stack:
        cell, steps = stack.pop()
        if steps > depth or cell in visited:
            continue
        visited.add(cell)
        for row, column in MOVES:
            following = (cell[0] + row, cell[1] + column)
            if following == goal:
                return True
            if 0 <= following[0] < side and 0 <= following[1] < side and following not in holes:
                stack.append((following, steps + 1))
    return False


class TextLake(gymnasium.Env):
    """Four tasks with the same hidden buttons, then other ones; eight moves a task."""

    observation_space = TEXT
    action_space = TEXT

    def __init__(self):
        self.position_in_pack = 0

    def draw_board(self):
        draw = self.random
        while True:
            side = draw.randint(4, 5)
            share = draw.uniform(0.6, 0.7)
            cells = [(row, column) for row in range(side) for column in range(side)]
            holes = {cell for cell in cells if draw.random() >= share}
            start, goal = draw.sample(cells, 2)
            holes -= {start, goal}
            if is_near(side, holes, start, goal, 6):
                self.side, self.holes, self.at, self.goal = side, holes, start, goal
                return

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.random = random.Random(seed)
        if self.position_in_pack % 4 == 0:
            self.buttons = self.random.sample(MOVES, 4)
        self.position_in_pack += 1
        self.draw_board()
        self.steps = 0
        holes = "".join("(%d,%d)" % cell for cell in sorted(self.holes))
        text = "Map %dx%d holes:%s goal(%d,%d) you are at(%d,%d). Step 0/8:" % (
            self.side, self.side, holes, *self.goal, *self.at)
        return text, {}

    def step(self, action):
        found = ANSWER.findall(action)
        if len(found) != 1:
            return "\nUnreadable answer. ", 0.0, True, False, {}
        number = int(found[0])
        move = self.buttons[number - 1]
        before = self.at
        after = (before[0] + move[0], before[1] + move[1])
        if not (0 <= after[0] < self.side and 0 <= after[1] < self.side):
            after = before
        self.at = after
        self.steps += 1
        if after == before:
            text = "\nDirection %d did not move you from (%d,%d)" % (number, *before)
        else:
            text = "\nDirection %d moved you from (%d,%d) to (%d,%d)" % (number, *before, *after)
        if after == self.goal:
            reward = 1.0 - 0.1 * self.steps / 8
            return text + "\nGoal reached. ", reward, True, False, {}
        if after in self.holes:
            return text + "\nFell into a hole. ", 0.0, True, False, {}
        if self.steps >= 8:
            return text + "\nOut of steps. ", 0.0, False, True, {}
        return text + ". Step %d/8:" % self.steps, 0.0, False, False, {}


def vector_rate(make, seconds, draw):
    """Turns per second; a step that only resets an environment is no turn."""
    vector = make()
    vector.reset(seed=1)
    count = vector.num_envs
    turns, ended = 0, [False] * count
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        actions = tuple(draw.choice(REPLIES) for _ in range(count))
        _, _, done, cut, _ = vector.step(actions)
        turns += count - sum(ended)
        ended = [bool(a or b) for a, b in zip(done, cut)]
    rate = turns / (time.perf_counter() - begin)
    vector.close()
    return rate


def bare_rate(seconds, draw):
    """The same environment without a vector around it."""
    lake = TextLake()
    lake.reset(seed=1)
    turns = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        _, _, done, cut, _ = lake.step(draw.choice(REPLIES))
        turns += 1
        if done or cut:
            lake.reset()
    return turns / (time.perf_counter() - begin)


def turnhalle_rates(program, scenario, lifecycles):
    """By row name, as the program prints them."""
    command = [program, "bench", "simulator", "--scenario", scenario, "--lifecycles",
               str(lifecycles), "--runs", "1", "--json", "--quiet"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = json.loads(printed)["rows"]
    return {row["name"].split(", random, ")[-1]: row["median"] for row in rows
            if row["unit"] == "turns/s"}


def spread(values):
    digits = [float(f"{value:.4g}") for value in
              (statistics.median(values), min(values), max(values))]
    return dict(zip(("median", "lowest", "highest"), digits))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each Gymnasium run")
    parser.add_argument("--lifecycles", type=int, default=3000, help="of each Turnhalle run")
    parser.add_argument("--environments", type=int, default=64, help="of the synchronous vector")
    parser.add_argument("--processes", type=int, default=2, help="of the asynchronous vector")
    options = parser.parse_args()

    sync = lambda: gymnasium.vector.SyncVectorEnv([TextLake] * options.environments)
    parallel = lambda: gymnasium.vector.AsyncVectorEnv([TextLake] * options.processes,
                                                       shared_memory=False)
    draw = random.Random(7)
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        scenario = json.loads(SCENARIO.read_text())
        scenario["lifecycle"]["update_context"] = False
        path = pathlib.Path(folder) / "frozen_lake_without_updates.json"
        path.write_text(json.dumps(scenario))
        for _ in range(options.rounds):
            found = {f"turnhalle, {name}": rate for name, rate in turnhalle_rates(
                options.program, str(path), options.lifecycles).items()}
            found["gymnasium, bare environment"] = bare_rate(options.seconds, draw)
            found["gymnasium, SyncVectorEnv"] = vector_rate(sync, options.seconds, draw)
            found["gymnasium, AsyncVectorEnv"] = vector_rate(parallel, options.seconds, draw)
            for name, rate in found.items():
                rates.setdefault(name, []).append(rate)
    report = {
        "gymnasium": gymnasium.__version__, "rounds": options.rounds,
        "turns_per_second": {name: spread(values) for name, values in rates.items()},
        "ratios": {f"{ours} to {theirs}": spread([a / b for a, b in zip(
            rates[f"turnhalle, {ours}"], rates[f"gymnasium, {theirs}"])])
            for ours, theirs in PAIRS},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
