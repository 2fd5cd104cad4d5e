// The page of `turnhalle report`, `eval --html` and `compare --html`: helpers, head, curves and
// bars; report_player.js follows in the same module. Data enters the document as text only, never
// as markup.
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
  byId("learning").hidden = data.kind === "eval";
  byId("replays").hidden = data.kind === "compare";
  byId("recording-word").textContent = data.kind === "eval" ? "Agent" : "Evaluation";
  byId("footer").textContent =
    `Written by turnhalle ${data.command}, version ${data.program}.`;
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
      colour("p" + (position % 6)), { borderWidth: 1 }));
  }
  series.push(line("all", rlCurve("critic/rewards/mean"), colour("ink"),
    { borderWidth: 2.5, order: -1 }));
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
  for (const position of places.filter((one) => one !== "all")) {
    const scores = evaluations.flatMap((evaluation) => {
      const score = evaluation.positions.find((one) => one.position === position);
      return score ? [[rlStep(evaluation.step), score.reward]] : [];
    });
    series.push(...banded(positionName(position), colour("p" + (position % 6)), scores));
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

// Held-out reward of each group of runs, one chart for all tasks and one for each position.
function showGroups() {
  const places = data.groups[0].curve[0].positions.map((score) => score.position);
  const ordered = places.length > 2 ? ["all", ...places.filter((one) => one !== "all")] : ["all"];
  for (const position of ordered) {
    lineChart("curves", "Held-out reward, " + positionName(position),
      "step of reinforcement learning",
      () => data.groups.flatMap((group, i) => banded(group.name, colour("a" + ((i + 1) % 6)),
        group.curve.flatMap((point) => {
          const score = point.positions.find((one) => one.position === position);
          return score ? [[point.step, score.reward]] : [];
        }))), {});
  }
}

function showCurves() {
  if (data.kind === "compare") return showGroups();
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
    for (const measure of data.measures || ["success", "reward"]) {
      const row = element("tr");
      row.append(element("td", "name", measure === "success" ? agent.agent : ""),
        element("td", "name muted", measure.replaceAll("_", " ")));
      for (const column of columns) row.append(scoreCell(scoreOf(agent, column, measure)));
      byId("table").append(row);
    }
  }
  byId("table-card").hidden = false;
}

showHead();
showCurves();
showAgents();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const draw of charts) draw();
});
