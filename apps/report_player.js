// The lifecycle to step through on the page of `turnhalle report`; follows report_page.js in the
// same module and uses its `data`, `byId` and `element`.

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

// What a turn of a training rollout counted for.
function creditWords(credit) {
  const parts = [`advantage ${shown(credit.advantage, 3)}`];
  if (credit.information_gain !== undefined && credit.information_gain !== null) {
    parts.push(`information gain of its feedback ${shown(credit.information_gain, 3)} nats`);
  }
  if (credit.logp_masked !== undefined && credit.logp_masked !== null) {
    parts.push(`log-prob of this reply ${shown(credit.logp, 3)}, without the feedback before it ` +
      shown(credit.logp_masked, 3));
  }
  if (credit.format) parts.push(`format ${credit.format}`);
  return parts.join(" · ");
}

function outcomeNode(episode) {
  const won = episode.success;
  let words = `${episode.outcome.replaceAll("_", " ")}: ${won ? "success" : "no success"}`;
  if (isUpdate(episode)) {
    words = won ? "the context is readable" : "the context is not readable";
  }
  const silent = episode.reward === null || (isUpdate(episode) && episode.reward === 0);
  const reward = silent ? "" : `, reward ${+episode.reward.toFixed(4)}`;
  return element("p", "outcome " + (won ? "won" : "lost"), words + reward);
}

function showMessages(episode) {
  const box = byId("messages");
  box.replaceChildren(element("h3", "", isUpdate(episode)
    ? `Writing the context for task ${episode.position}` : `Task ${episode.position}`));
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
    if (turn.credit) box.append(element("p", "small muted", creditWords(turn.credit)));
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

startPlayer();
