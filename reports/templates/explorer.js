"use strict";
// One page, two sources of positions: a server that takes any move, or a counterexample recorded in the page.
(() => {
  class Served {
    constructor(data) { this.data = data; }
    async ask(path, query) {
      const answer = await fetch(`api/${path}?${new URLSearchParams(query)}`, {credentials: "omit"}).catch(() => null);
      if (!answer) throw new Error("the server of this page has stopped; start clearorder explore again and open the new address");
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error);
      return body;
    }
    at(moves) { return this.ask("position", {moves: moves.join(".")}); }
    nearest(moves) { return this.ask("nearest", {moves: moves.join(".")}); }
    counterexample(property) { return this.ask("counterexample", {property}); }
  }

  class Recorded {
    constructor(data) { this.data = data; }
    async at(moves) {
      const known = this.data.moves;
      if (moves.length > known.length || moves.some((m, i) => m !== known[i]))
        throw new Error("only the moves of this counterexample are recorded here");
      return {...this.data.positions[moves.length], moves, history: this.data.history.slice(0, moves.length)};
    }
    // A part of a shortest run is itself a shortest one, so the way to the violation is the rest of the recorded run.
    async nearest(moves) {
      const end = moves.length < this.data.first ? this.data.first : this.data.moves.length;
      const left = end - moves.length;
      return {moves: this.data.moves.slice(0, end), history: this.data.history.slice(0, end),
              text: left > 0 ? `The bad state of this run is ${left} move${left > 1 ? "s" : ""} away.` : "This is the end of the run."};
    }
    async counterexample() { return {moves: this.data.moves, history: this.data.history, text: ""}; }
  }

  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  class Explorer {
    constructor(root) {
      this.root = root;
      this.data = JSON.parse(this.part("explorer-data").textContent);
      this.source = this.data.kind === "served" ? new Served(this.data) : new Recorded(this.data);
      this.here = null;    // the position shown
      this.run = null;     // the run that "along" follows
      this.asked = 0;      // number of the newest request; answers to older ones are dropped
      root.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button && button.getAttribute("aria-disabled") !== "true") this.pressed(button);
      });
    }
    part(name) { return this.root.querySelector(`[data-${name}]`); }

    async start() {
      if (this.data.kind === "recorded") this.follow(await this.source.counterexample());
      const wanted = this.fromAddress();
      if (wanted && await this.go(wanted)) return;
      const problem = this.part("said").textContent.trim();
      await this.go([]);
      if (problem) this.say(problem);
    }

    pressed(button) {
      const moves = this.here ? this.here.moves : [];
      const actions = {
        restart: () => this.go([]),
        undo: () => this.go(moves.slice(0, -1)),
        along: () => this.go(this.run.moves.slice(0, this.shared() + 1)),
        nearest: () => this.find(() => this.source.nearest(moves)),
        counterexample: () => this.find(() => this.source.counterexample(button.dataset.property)),
        take: () => this.go([...moves, Number(button.dataset.move)], "enabled"),
        back: () => this.go(moves.slice(0, Number(button.dataset.length)), "history"),
        jump: () => this.go(this.run.moves.slice(0, Number(button.dataset.length)), "track"),
        copy: () => this.copy(),
      };
      actions[button.dataset.do]();
    }

    async answer(question) {
      const number = ++this.asked;
      this.root.setAttribute("aria-busy", "true");
      try {
        const found = await question();
        return number === this.asked ? found : null;
      } catch (problem) {
        if (number === this.asked) this.say(`Not possible: ${problem.message}.`);
        return null;
      } finally {
        if (number === this.asked) this.root.removeAttribute("aria-busy");
      }
    }

    async go(moves, focus) {
      const position = await this.answer(() => this.source.at(moves));
      if (!position) return false;
      const before = this.here ? this.here.moves.length : 0;
      this.here = position;
      this.draw();
      this.toAddress();
      const last = position.history[position.history.length - 1];
      const undone = moves.length < before ? "Back. " : "";
      this.say(last ? `${undone}After move ${last.number}: ${last.text}.` : `${undone}The start: nothing has happened.`);
      if (focus) this.focus(focus);
      return true;
    }

    async find(question) {
      const found = await this.answer(question);
      if (!found) return;
      if (found.moves) this.follow(found);
      this.draw();
      this.say(found.text);
    }

    follow(run) { this.run = run; }

    say(text) { this.part("said").textContent = text; }

    // Lists are made anew after each move, so the keyboard is put back into the list that it was in.
    focus(name) {
      const inside = this.part(name).querySelector("[aria-current] button, .here button") || this.part(name).querySelector("button");
      (inside || this.root.querySelector('[data-do="undo"]')).focus();
    }

    draw() {
      if (!this.here) return;
      const {moves, history, enabled, violated, dead, html} = this.here;
      this.part("state").innerHTML = html;   // made by our own template, every name in it escaped
      this.part("violated").replaceChildren(...violated.map((found) => this.alarm(found)), ...dead.map((said) => make("p", said, {class: "dead", "data-dead": ""})));
      this.part("enabled").replaceChildren(...enabled.map((option) => this.option(option)));
      this.part("history").replaceChildren(...history.map((line) => this.step(line, "back", line.number === moves.length)));
      const run = this.run ? this.run.history : [];
      this.part("run").hidden = !run.length;
      this.part("track").replaceChildren(...run.map((line) => this.step(line, "jump", line.number === moves.length && this.onRun())));
      this.able("undo", moves.length > 0);
      this.able("restart", moves.length > 0);
      this.able("along", run.length > 0 && this.shared() < run.length);
      if (!enabled.length) this.part("enabled").append(make("li", this.data.kind === "served" ? "none: nothing can happen any more" : "none recorded: this is the end of the run"));
      if (!history.length) this.part("history").append(make("li", "none yet"));
    }

    onRun() { return this.run && this.here.moves.every((m, i) => m === this.run.moves[i]); }
    // How many moves of the run have been taken before ours left it.
    shared() {
      const left = this.run ? this.run.moves.findIndex((m, i) => m !== this.here.moves[i]) : 0;
      return left < 0 ? this.run.moves.length : left;
    }
    able(name, can) { this.root.querySelector(`[data-do="${name}"]`).setAttribute("aria-disabled", String(!can)); }

    alarm(found) {
      const box = make("div", "", {class: "alarm", "data-marker": "broken", "data-property": found.property});
      box.append(make("p", `✗ ${found.property} is violated here: ${found.title}`));
      if (found.because.length) box.append(make("p", `Why: ${found.because.join("; ")}.`));
      return box;
    }

    option(option) {
      const item = make("li", "");
      const button = make("button", option.text, {type: "button", "data-do": "take", "data-move": option.move, "data-label": option.label});
      button.append(make("span", option.label + (option.silent ? "; changes nothing" : ""), {class: "detail"}));
      item.append(button);
      return item;
    }

    step(line, action, here) {
      const item = make("li", "", here ? {class: "here", "aria-current": "step"} : {});
      const button = make("button", `${line.number} ${line.text}`, {type: "button", "data-do": action, "data-length": line.number});
      if (line.notes.length) button.append(make("span", line.notes.join("; "), {class: "detail"}));
      for (const said of line.code) button.append(make("code", said, {class: "detail"}));
      item.append(button);
      return item;
    }

    // -- the link: #run=NAME&design=DIGEST&moves=0.5.12

    fragment() {
      const words = {run: this.root.dataset.explorer, design: this.data.digest, moves: this.here.moves.join(".")};
      return `#${new URLSearchParams(words)}`;
    }
    toAddress() {
      const fragment = this.fragment();
      this.part("link").value = location.href.split("#")[0] + fragment;
      if (this.data.kind !== "served" || location.hash === fragment) return;
      if (location.hash) history.pushState(null, "", fragment);
      else history.replaceState(null, "", fragment);
    }
    fromAddress() {
      const words = new URLSearchParams(location.hash.slice(1));
      if (words.get("run") !== this.root.dataset.explorer) return null;
      if (words.get("design") !== this.data.digest) {
        this.say("This link was made for another design or another size; this is the start.");
        return null;
      }
      const text = words.get("moves") || "";
      return text ? text.split(".").map(Number) : [];
    }
    async copy() {
      const field = this.part("link");
      field.focus();
      field.select();
      try { await navigator.clipboard.writeText(field.value); this.say("The link is copied."); }
      catch { this.say("The link is selected: copy it with Ctrl-C."); }
    }
  }

  const explorers = [...document.querySelectorAll("[data-explorer]")].map((root) => new Explorer(root));
  const restored = () => explorers.forEach((explorer) => {
    const wanted = explorer.fromAddress();
    if (wanted && explorer.here && wanted.join(".") !== explorer.here.moves.join(".")) explorer.go(wanted);
  });
  // Ctrl-Z undoes in the explorer that has the keyboard, or in the only one.
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "z") return;
    const explorer = explorers.find((each) => each.root.contains(document.activeElement)) || (explorers.length === 1 ? explorers[0] : null);
    if (!explorer) return;
    event.preventDefault();
    explorer.root.querySelector('[data-do="undo"]').click();
  });
  // The link that skips to the moves leaves the address alone, for the position stands there.
  document.querySelectorAll("a.skip").forEach((link) => link.addEventListener("click", (event) => {
    const target = document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    target.tabIndex = -1;
    target.focus();
  }));
  window.addEventListener("popstate", restored);
  window.addEventListener("hashchange", restored);
  Promise.all(explorers.map((explorer) => explorer.start())).then(() => {
    document.documentElement.dataset.ready = "yes";
    const run = new URLSearchParams(location.hash.slice(1)).get("run");
    const named = explorers.find((explorer) => explorer.root.dataset.explorer === run);
    if (named && explorers.length > 1) named.root.scrollIntoView();
  });
})();
