// Live pages: parts that the server renders again, and logs. Text from builds only ever becomes text nodes.
"use strict";
const MAX_LINES = 5000, MAX_LINE = 4000;
const STEP = /^##\[boatyard\] step (\d+) (begin|end) (\d+) ?(.*)$/;
// CSI and OSC sequences, and any other escape: all but colours (SGR) are dropped.
const ESCAPES = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function indexed(n) {
  if (n < 232) { const c = n - 16, level = (v) => (v ? 55 + 40 * v : 0); return `rgb(${level(Math.floor(c / 36))},${level(Math.floor(c / 6) % 6)},${level(c % 6)})`; }
  const grey = 8 + 10 * (n - 232);
  return `rgb(${grey},${grey},${grey})`;
}

class Style {
  constructor() { this.reset(); }
  reset() { this.on = {}; this.fg = this.bg = null; }
  get plain() { return this.fg === null && this.bg === null && !Object.values(this.on).some(Boolean); }
  take(codes) {
    const list = codes.split(/[;:]/).map(Number);
    for (let i = 0; i < list.length; i++) {
      const c = list[i];
      if (c === 0) this.reset();
      else if (c === 1 || c === 2 || c === 3 || c === 4 || c === 7 || c === 9) this.on[c] = true;
      else if (c === 22) this.on[1] = this.on[2] = false;
      else if (c === 23 || c === 24 || c === 27 || c === 29) this.on[c - 20] = false;
      else if (c === 39) this.fg = null;
      else if (c === 49) this.bg = null;
      else if ((c >= 30 && c <= 37) || (c >= 90 && c <= 97)) this.fg = c >= 90 ? c - 82 : c - 30;
      else if ((c >= 40 && c <= 47) || (c >= 100 && c <= 107)) this.bg = c >= 100 ? c - 92 : c - 40;
      else if (c === 38 || c === 48) {
        let colour = null;
        if (list[i + 1] === 5) { const n = list[i + 2] & 255; colour = n < 16 ? n : indexed(n); i += 2; }
        else if (list[i + 1] === 2) { colour = `rgb(${list[i + 2] & 255},${list[i + 3] & 255},${list[i + 4] & 255})`; i += 4; }
        if (c === 38) this.fg = colour; else this.bg = colour;
      }
    }
  }
  span(text) {
    if (this.plain) return document.createTextNode(text);
    const span = make("span", Object.keys(this.on).filter((c) => this.on[c]).map((c) => "a" + c).join(" "), text);
    for (const [value, name, property] of [[this.fg, "f", "color"], [this.bg, "b", "backgroundColor"]]) {
      if (typeof value === "number") span.classList.add(name + value); else if (value) span.style[property] = value;
    }
    return span;
  }
}

class Log {  // one container's log
  constructor(box) { this.box = box; this.body = box.querySelector(".lines"); this.begin(0); }
  begin(attempt) { this.attempt = attempt; this.rest = ""; this.style = new Style(); this.sink = this.body; this.count = 0; this.body.replaceChildren(); }
  add(attempt, text) {
    if (attempt !== this.attempt) this.begin(attempt);
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    const frame = document.createDocumentFragment();
    let target = this.sink, piece = frame;
    for (const line of lines) {
      const mark = STEP.exec(line);
      if (mark) { target.append(piece); piece = document.createDocumentFragment(); target = this.mark(mark); } else piece.append(this.line(line));
    }
    target.append(piece);
    if (this.rest.length > MAX_LINE) { target.append(this.line(this.rest)); this.rest = ""; }
    this.box.hidden = false;
    while (this.count > MAX_LINES) { const first = this.body.querySelector(".line"); if (!first) break; first.remove(); this.count--; this.box.classList.add("cut"); }
  }
  mark([, number, what, , rest]) {
    if (what === "begin") {
      const details = make("details", "step running");
      details.open = true;
      details.append(make("summary", "", rest || `step ${number}`), make("div", "lines"));
      this.body.append(details);
      return (this.sink = details.lastChild);
    }
    const details = this.sink.parentElement;
    if (details.tagName === "DETAILS") {
      const outcome = rest.split(" ")[0];
      details.className = "step " + (/^[a-z]+$/.test(outcome) ? outcome : "failed");
      if (outcome === "ok") details.open = location.hash === "#all";
    }
    return (this.sink = this.body);
  }
  line(raw) {
    this.count++;
    let text = raw.replace(/\r+$/, "");
    text = text.slice(text.lastIndexOf("\r") + 1);
    const cut = text.length > MAX_LINE;
    if (cut) text = text.slice(0, MAX_LINE);
    const line = make("div", "line");
    let at = 0;
    for (const match of text.matchAll(ESCAPES)) {
      if (match.index > at) line.append(this.style.span(text.slice(at, match.index)));
      if (match[1] !== undefined) this.style.take(match[1] || "0");
      at = match.index + match[0].length;
    }
    line.append(this.style.span(text.slice(at) + (cut ? " …" : "")));
    return line;
  }
}

function live(address) {
  const logs = {}, badge = document.getElementById("live");
  const source = new EventSource(address);
  const near = () => window.innerHeight + window.scrollY > document.body.scrollHeight - 120;
  source.onopen = () => badge && badge.classList.add("on");
  source.onerror = () => badge && badge.classList.remove("on");
  source.addEventListener("part", (event) => {
    const { id, html } = JSON.parse(event.data), old = document.getElementById(id);
    // Rendered and escaped by the server's templates.
    if (old) { old.outerHTML = html; clock(); }
  });
  source.addEventListener("log", (event) => {
    const { container, attempt, text } = JSON.parse(event.data), box = document.getElementById("log-" + container);
    if (!box) return;
    const follow = near();
    (logs[container] = logs[container] || new Log(box)).add(attempt, text);
    if (follow && document.body.dataset.final !== "true") window.scrollTo(0, document.body.scrollHeight);
  });
  source.addEventListener("end", () => { source.close(); if (badge) badge.remove(); });
}

function clock() {
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([s]) => Math.abs(seconds) >= s) || [1, "second"];
    time.textContent = unit === "second" ? "just now" : words.format(Math.round(seconds / size), unit);
    time.title = new Date(time.dateTime).toLocaleString();
  }
}
clock();
setInterval(clock, 30000);
if (document.body.dataset.events) live(document.body.dataset.events);
