// The page of `turnhalle report`. Data enters the document as text only, never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  // A colour "#rrggbb" with an opacity of 0 … 255.
  const faded = (hex, opacity) => hex + opacity.toString(16).padStart(2, "0");
  const shown = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits));
  const trimmed = (text) => text.replace(/^\s+|\s+$/g, "");

  // ---- Head ----

  function showHead() {
    byId("title").textContent = data.title;
    byId("summary").textContent = data.summary;
    for (const [name, text] of data.facts) {
      const pair = element("div");
      pair.append(element("dt", "", name), element("dd", "", text));
      byId("facts").append(pair);
    }
    for (const [section, text] of Object.entries(data.notes)) {
      const note = byId("note-" + section);
      note.textContent = text;
      note.hidden = false;
    }
    byId("footer").textContent = "Written by turnhalle report, version " + data.program + ".";
  }

  // ---- Charts ----

  const charts = [];  // functions that draw a chart anew, for a change of light and dark

  function addChart(parent, title, configuration) {
    const card = element("div", "card");
    const box = element("div", "chart");
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    box.append(canvas);
    card.append(element("h3", "", title), box);
    byId(parent).append(card);
    let chart = null;
    const draw = () => {
      if (chart) chart.destroy();
      chart = new Chart(canvas, configuration());
    };
    charts.push(draw);
    draw();
  }

  function axis(title, more) {
    return {
      title: { display: Boolean(title), text: title, color: colour("muted") },
      ticks: { color: colour("muted") },
      grid: { color: colour("grid"), drawBorder: false },
      ...more,
    };
  }

  // Hides a band with the line it belongs to.
  function toggle(event, item, legend) {
    const chart = legend.chart;
    const name = chart.data.datasets[item.datasetIndex].label;
    const visible = !chart.isDatasetVisible(item.datasetIndex);
    chart.data.datasets.forEach((dataset, i) => {
      if (dataset.label === name) chart.setDatasetVisibility(i, visible);
    });
    chart.update();
  }

  function plugins(many) {
    return {
      legend: {
        display: many,
        onClick: toggle,
        labels: {
          color: colour("ink"), boxWidth: 14, boxHeight: 3,
          filter: (item, chart) => !chart.datasets[item.datasetIndex].band,
        },
      },
      tooltip: {
        filter: (item) => !item.dataset.band,
        callbacks: {
          label: (item) => {
            const range = item.dataset.ranges && item.dataset.ranges[item.dataIndex];
            const tail = range ? ` [${shown(range[0])}, ${shown(range[1])}]` : "";
            return ` ${item.dataset.label}: ${shown(item.parsed.y, 3)}${tail}`;
          },
        },
      },
    };
  }

  function lineChart(parent, title, xTitle, series, yAxis) {
    addChart(parent, title, () => ({
      type: "line",
      data: { datasets: series() },
      options: {
        responsive: true, maintainAspectRatio: false, animation: false, parsing: false,
        interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: {
          x: axis(xTitle, { type: "linear", grid: { display: false } }),
          y: axis("", yAxis),
        },
        plugins: plugins(series().filter((one) => !one.band).length > 1),
      },
    }));
  }

  function line(label, points, paint, more) {
    return {
      label, data: points.map(([x, y]) => ({ x, y })), borderColor: paint,
      backgroundColor: paint, borderWidth: 2, pointRadius: points.length > 30 ? 0 : 3,
      pointHitRadius: 8, tension: 0, ...more,
    };
  }

  // ---- Learning curves ----

  const rlStep = (step) => step - data.warm_steps;
  const positionName = (position) => (position === "all" ? "all" : "position " + position);

  // The training curve of a metric, in steps of reinforcement learning.
  const rlCurve = (name) => (data.curves[name] || []).map(([x, y]) => [rlStep(x), y]);

  function rewardSeries() {
    const series = [];
    for (let position = 0; data.curves["critic/rewards/position_" + position]; ++position) {
      series.push(line("position " + position, rlCurve("critic/rewards/position_" + position),
        colour("p" + (position % 6)), { borderWidth: 1.5 }));
    }
    series.push(line("all", rlCurve("critic/rewards/mean"), colour("ink"),
      { borderWidth: 2, borderDash: [5, 3] }));
    return series;
  }

  // A line with its band, drawn as two invisible lines with the area between them filled.
  function banded(label, paint, scores) {
    const known = scores.filter(([, score]) => score.mean !== null);
    const edge = (end, fill) =>
      line(label, known.map(([x, score]) => [x, score[end]]), faded(paint, 40),
        { band: true, borderWidth: 0, pointRadius: 0, pointHitRadius: 0, fill });
    return [
      line(label, known.map(([x, score]) => [x, score.mean]), paint,
        { ranges: known.map(([, score]) => [score.low, score.high]) }),
      edge("low", false), edge("high", "-1"),
    ];
  }

  function heldOutSeries(evaluations) {
    const places = evaluations[0].positions.map((score) => score.position);
    const series = [];
    for (const place of places.length === 2 ? places.slice(0, 1) : places) {
      if (place === "all") continue;
      const scores = evaluations.map((evaluation) => [
        rlStep(evaluation.step),
        evaluation.positions.find((score) => score.position === place).reward,
      ]);
      series.push(...banded(positionName(place), colour("p" + (place % 6)), scores));
    }
    return series;
  }

  function showBefore(evaluations) {
    const first = evaluations[0];
    if (!first || first.step >= data.warm_steps) return;
    const scores = first.positions.filter((score) => score.position !== "all")
      .map((score) => shown(score.reward.mean));
    byId("before").textContent =
      `Before training, held-out reward by position: ${scores.join(", ")}. ` +
      `Reinforcement learning begins after ${data.warm_steps} steps of imitation: its step 0 ` +
      "is the warm start.";
  }

  function showCurves() {
    if (data.curves["actor/sft_loss"]) {
      lineChart("curves", "Imitation: loss per token", "step of imitation",
        () => [line("loss", data.curves["actor/sft_loss"], colour("accent"))], { min: 0 });
    }
    const evaluations = data.evaluations.filter((one) => one.step >= data.warm_steps);
    showBefore(data.evaluations);
    if (evaluations.length > 0) {
      lineChart("curves", "Held-out reward by position", "step of reinforcement learning",
        () => heldOutSeries(evaluations), {});
    }
    if (data.curves["critic/rewards/mean"]) {
      lineChart("curves", "Reward on the training rollouts", "step of reinforcement learning",
        rewardSeries, {});
    }
    if (data.curves["actor/entropy"]) {
      lineChart("curves", "Entropy of the policy, nats per token",
        "step of reinforcement learning",
        () => [line("entropy", rlCurve("actor/entropy"), colour("accent"))], { min: 0 });
    }
  }

  // ---- Agents by position ----

  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const context = chart.ctx;
      context.save();
      context.strokeStyle = colour("ink");
      context.lineWidth = 1.25;
      chart.data.datasets.forEach((dataset, i) => {
        if (!chart.isDatasetVisible(i)) return;
        chart.getDatasetMeta(i).data.forEach((bar, k) => {
          const range = dataset.ranges[k];
          if (!range || range[0] === null) return;
          const low = chart.scales.y.getPixelForValue(range[0]);
          const high = chart.scales.y.getPixelForValue(range[1]);
          context.beginPath();
          context.moveTo(bar.x, low);
          context.lineTo(bar.x, high);
          for (const y of [low, high]) {
            context.moveTo(bar.x - 3, y);
            context.lineTo(bar.x + 3, y);
          }
          context.stroke();
        });
      });
      context.restore();
    },
  };

  const place = (agent, position) => agent.rows.find((row) => row.position === position);
  const missing = { mean: null, low: null, high: null, n: 0 };
  const scoreOf = (agent, position, measure) =>
    (place(agent, position) || { [measure]: missing })[measure];

  function barChart(measure, title, positions) {
    addChart("bars", title, () => ({
      type: "bar",
      data: {
        labels: positions.map(positionName),
        datasets: data.agents.map((agent, i) => ({
          label: agent.agent,
          data: positions.map((position) => scoreOf(agent, position, measure).mean),
          ranges: positions.map((position) => {
            const score = scoreOf(agent, position, measure);
            return [score.low, score.high];
          }),
          backgroundColor: colour("a" + (i % 6)),
          borderRadius: 3, categoryPercentage: .8, barPercentage: .9,
        })),
      },
      plugins: [whiskers],
      options: {
        responsive: true, maintainAspectRatio: false, animation: false,
        scales: {
          x: axis("", { grid: { display: false } }),
          y: axis("", { suggestedMin: 0, suggestedMax: 1 }),
        },
        plugins: plugins(true),
      },
    }));
  }

  function scoreCell(score) {
    const cell = element("td", "", shown(score.mean, 3));
    if (score.mean !== null) {
      cell.append(element("span", "range", `${shown(score.low, 3)} – ${shown(score.high, 3)}`));
    }
    return cell;
  }

  function showAgents() {
    if (data.agents.length === 0) return;
    const all = new Set(data.agents.flatMap((agent) => agent.rows.map((row) => row.position)));
    const positions = [...all].filter((one) => one !== "all").sort((a, b) => a - b);
    barChart("success", "Success", positions);
    barChart("reward", "Reward", positions);
    const columns = all.has("all") ? [...positions, "all"] : positions;
    const head = element("tr");
    for (const name of ["agent", "", ...columns.map(positionName)]) {
      head.append(element("th", "", name));
    }
    byId("table").append(head);
    for (const agent of data.agents) {
      for (const measure of ["success", "reward"]) {
        const row = element("tr");
        row.append(element("td", "name", measure === "success" ? agent.agent : ""),
          element("td", "name muted", measure));
        for (const column of columns) row.append(scoreCell(scoreOf(agent, column, measure)));
        byId("table").append(row);
      }
    }
    byId("table-card").hidden = false;
  }

  // ---- The map of a frozen lake in its compact wording ----

  const cells = (text) => [...text.matchAll(/\((\d+),(\d+)\)/g)].map((m) => `${m[1]},${m[2]}`);

  function parseMap(text) {
    const map = /Map (\d+)x\d+ holes:(\S*) goal(\S+) you are at(\(\d+,\d+\))/.exec(text);
    if (!map) return null;
    return { side: Number(map[1]), holes: cells(map[2]), goal: cells(map[3])[0],
      path: cells(map[4]) };
  }

  // The map of an episode with the way walked in its first `turns` turns.
  function mapAt(episode, turns) {
    const map = parseMap(episode.messages.map((message) => message.text).join("\n"));
    if (!map || episode.kind !== "solve") return null;
    for (const turn of episode.turns.slice(0, turns)) {
      for (const answer of turn.answers) {
        const move = /moved you from \S+ to (\(\d+,\d+\))/.exec(answer.text);
        if (move) map.path.push(cells(move[1])[0]);
      }
    }
    return map;
  }

  function cellNode(map, name) {
    const here = map.path[map.path.length - 1] === name;
    const hole = map.holes.includes(name);
    const kinds = ["cell"];
    if (hole) kinds.push("hole");
    if (map.goal === name) kinds.push("goal");
    if (map.path.includes(name)) kinds.push("visited");
    if (here) kinds.push("here");
    const text = here ? "you" : map.goal === name ? "goal" : hole ? "hole" : "";
    const node = element("div", kinds.join(" "), text);
    node.title = `(${name})`;
    return node;
  }

  function showMap(map) {
    byId("map-card").hidden = !map;
    byId("map").replaceChildren();
    if (!map) return;
    byId("map").style.gridTemplateColumns = `repeat(${map.side}, 44px)`;
    for (let row = 0; row < map.side; ++row) {
      for (let column = 0; column < map.side; ++column) {
        byId("map").append(cellNode(map, `${row},${column}`));
      }
    }
  }

  // ---- The player ----

  const at = { recording: 0, lifecycle: 0, episode: 0, turn: 0 };
  const lifecycle = () => data.recordings[at.recording].lifecycles[at.lifecycle];
  const isUpdate = (episode) => episode.kind === "update_context";
  const lastTurn = (episode) => Math.max(0, episode.turns.length - 1);
  // Tasks are counted from 0, as positions are.
  const episodeName = (episode) =>
    isUpdate(episode) ? "writes context" : "task " + episode.position;

  function message(who, text, className, calls) {
    const node = element("div", "message " + (className || ""));
    node.append(element("div", "who", who), element("pre", "", trimmed(text)));
    for (const call of calls || []) node.append(element("pre", "muted", "calls " + call));
    return node;
  }

  function outcomeNode(episode) {
    const won = episode.success;
    let words = `${episode.outcome.replaceAll("_", " ")}: ${won ? "success" : "no success"}`;
    if (isUpdate(episode)) {
      words = won ? "the context is readable" : "the context is not readable";
    }
    const reward = episode.reward === null ? "" : `, reward ${+episode.reward.toFixed(4)}`;
    return element("p", "outcome " + (won ? "won" : "lost"), words + reward);
  }

  function showMessages(episode) {
    const box = byId("messages");
    box.replaceChildren(element("h3", "", `Episode ${at.episode}: ${episodeName(episode)}`));
    for (const one of episode.messages) box.append(message(one.role, one.text, "", one.calls));
    episode.turns.slice(0, at.turn + 1).forEach((turn, i) => {
      const now = i === at.turn ? " now" : "";
      const wrote = isUpdate(episode) ? " wrote" : "";
      const who = isUpdate(episode) ? "agent writes its context" : `agent, turn ${i}`;
      box.append(message(who, turn.reply, "reply" + wrote + now, turn.calls));
      if (turn.failure) box.append(message("failure", turn.failure));
      for (const answer of turn.answers) {
        box.append(message(answer.role === "user" ? "world" : answer.role, answer.text));
      }
      if (turn.reward !== 0) box.append(element("p", "small muted", `reward of this turn ` +
        `${+turn.reward.toFixed(4)}`));
    });
    if (at.turn === lastTurn(episode) && episode.outcome) {
      if (episode.feedback) box.append(message("feedback", episode.feedback));
      box.append(outcomeNode(episode));
    }
  }

  // The context of each task so far; later ones are not known yet.
  function showContexts() {
    const list = byId("contexts");
    list.replaceChildren();
    const episodes = lifecycle().episodes;
    episodes.forEach((episode, i) => {
      if (isUpdate(episode) || i > at.episode) return;
      const now = episodes.slice(i + 1, at.episode + 1).every(isUpdate);
      const item = element("li", now ? "now" : "");
      item.append(element("span", "who", `task ${episode.position}` + (now ? ", in force" : "")),
        element("pre", "", trimmed(episode.context) || "(empty)"));
      list.append(item);
    });
    const written = episodes[at.episode];
    if (isUpdate(written) && written.turns.length > 0) {
      const item = element("li");
      item.append(element("span", "who", `written for task ${written.position}`),
        element("pre", "", trimmed(written.turns[at.turn].reply)));
      list.append(item);
    }
    byId("context-card").hidden = !episodes.some((one) => isUpdate(one) || one.context);
  }

  function showChips() {
    const chips = byId("chips");
    chips.replaceChildren();
    lifecycle().episodes.forEach((episode, i) => {
      const chip = element("button", "chip " + (episode.success ? "won" : "lost"),
        (episode.success ? "✓ " : "✗ ") + episodeName(episode));
      chip.type = "button";
      chip.setAttribute("aria-current", String(i === at.episode));
      chip.addEventListener("click", () => goTo(i, 0));
      chips.append(chip);
    });
  }

  function show() {
    const episodes = lifecycle().episodes;
    const episode = episodes[at.episode];
    showChips();
    showMessages(episode);
    showContexts();
    showMap(mapAt(episode, at.turn + 1));
    const first = at.episode === 0;
    const last = at.episode === episodes.length - 1;
    byId("back-episode").disabled = first && at.turn === 0;
    byId("back").disabled = first && at.turn === 0;
    byId("forward").disabled = last && at.turn === lastTurn(episode);
    byId("next-episode").disabled = last;
    byId("where").textContent = `episode ${at.episode + 1} of ${episodes.length}, ` +
      `turn ${at.turn + 1} of ${episode.turns.length}`;
  }

  function goTo(episode, turn) {
    at.episode = episode;
    at.turn = turn;
    show();
  }

  function step(by) {
    const episodes = lifecycle().episodes;
    const turn = at.turn + by;
    if (turn >= 0 && turn <= lastTurn(episodes[at.episode])) {
      goTo(at.episode, turn);
    } else if (episodes[at.episode + by]) {
      goTo(at.episode + by, by > 0 ? 0 : lastTurn(episodes[at.episode + by]));
    }
  }

  function stepEpisode(by) {
    const target = by < 0 && at.turn > 0 ? at.episode : at.episode + by;
    if (lifecycle().episodes[target]) goTo(target, 0);
  }

  function fill(select, names) {
    select.replaceChildren(...names.map((name, i) => {
      const option = element("option", "", name);
      option.value = String(i);
      return option;
    }));
  }

  function fillLifecycles() {
    const lifecycles = data.recordings[at.recording].lifecycles;
    at.lifecycle = Math.min(at.lifecycle, lifecycles.length - 1);
    fill(byId("lifecycle"), lifecycles.map((one) => {
      const tasks = one.episodes.filter((episode) => !isUpdate(episode));
      const won = tasks.filter((episode) => episode.success).length;
      return `${one.index}: ${won} of ${tasks.length} tasks solved`;
    }));
    byId("lifecycle").value = String(at.lifecycle);
  }

  function startPlayer() {
    if (data.recordings.length === 0) return;
    byId("player").hidden = false;
    at.recording = data.recordings.length - 1;
    fill(byId("recording"), data.recordings.map((recording) => recording.label));
    byId("recording").value = String(at.recording);
    fillLifecycles();
    byId("recording").addEventListener("change", (event) => {
      at.recording = Number(event.target.value);
      fillLifecycles();
      goTo(0, 0);
    });
    byId("lifecycle").addEventListener("change", (event) => {
      at.lifecycle = Number(event.target.value);
      goTo(0, 0);
    });
    byId("back").addEventListener("click", () => step(-1));
    byId("forward").addEventListener("click", () => step(1));
    byId("back-episode").addEventListener("click", () => stepEpisode(-1));
    byId("next-episode").addEventListener("click", () => stepEpisode(1));
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("select, input") || event.ctrlKey || event.altKey ||
          event.metaKey) return;
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
    show();
  }

  showHead();
  showCurves();
  showAgents();
  startPlayer();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const draw of charts) draw();
  });
})();
