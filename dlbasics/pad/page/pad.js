// The script of the digit pad.  It keeps the strokes, sends a picture of them to the server with
// every change, and shows what comes back:
//
//   1. strokes     what was drawn; undo and clear
//   2. pens        mouse, finger, pen and keyboard
//   3. requests    one at a time, and always about the newest drawing
//   4. bars        what each network reads
//   5. steps       from the sheet to 28x28 pixels, each with a switch
//   6. inside      the pixels that decide, and the layers
//   7. pictures    from bytes to colours
//   8. theme and start

const find = (id) => document.getElementById(id);

// Small pictures are painted faster without the graphics card, which this asks for.
const contextOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
const main = find("main");

// ---- 1.  Strokes ----

const SIDE = 280; // the sheet's side; a point is [x, y] from 0 to SIDE
const sheet = find("sheet");
const sent = document.createElement("canvas"); // what the server gets: black ink on white paper
sent.width = sent.height = SIDE;

let strokes = []; // each is {width, points}
let past = []; // what `strokes` was before each stroke and each clear, for undo
let stroke = null; // the one that is being drawn

function startStroke(point) {
  past.push(strokes);
  stroke = { width: Number(find("width").value), points: [point] };
  strokes = [...strokes, stroke];
  changed();
}

function continueStroke(points) {
  stroke.points.push(...points);
  changed();
}

function endStroke() {
  stroke = null;
  pointer = null;
  performance.mark("pen up");
  timed = version; // the drawing is that of the last move, and its answer may be there already
  ask();
  showAnswer();
}

function undo() {
  if (stroke) endStroke();
  if (past.length === 0) return;
  strokes = past.pop();
  changed();
}

function clear() {
  if (stroke) endStroke();
  if (strokes.length === 0) return;
  past.push(strokes); // so that undo brings the drawing back
  strokes = [];
  changed();
}

function draw(canvas, ink) {
  const context = contextOf(canvas);
  context.save();
  context.scale(canvas.width / SIDE, canvas.height / SIDE);
  context.strokeStyle = ink;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of strokes) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point); // a single point becomes a dot
    context.stroke();
  }
  context.restore();
}

function drawSheet() {
  contextOf(sheet).clearRect(0, 0, sheet.width, sheet.height);
  draw(sheet, getComputedStyle(sheet).color); // the theme's ink
}

// Return the bytes of the PNG that the server gets.  `toBlob` would wait until the browser is idle.
function picture() {
  const context = contextOf(sent);
  context.fillStyle = "white";
  context.fillRect(0, 0, SIDE, SIDE);
  draw(sent, "black");
  return bytesFrom(sent.toDataURL("image/png").split(",")[1]);
}

// ---- 2.  Pens ----

let pointer = null; // the id of the mouse, finger or pen that draws; a second finger does not

function place(event) {
  const box = sheet.getBoundingClientRect();
  return [
    ((event.clientX - box.left) / box.width) * SIDE,
    ((event.clientY - box.top) / box.height) * SIDE,
  ];
}

sheet.addEventListener("pointerdown", (event) => {
  if (pointer !== null || event.button !== 0) return;
  if (stroke) endStroke(); // the keyboard's
  pen.hidden = true;
  pointer = event.pointerId;
  sheet.setPointerCapture(pointer); // the stroke goes on outside of the sheet
  startStroke(place(event));
});

sheet.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  // A fast pen moves several times between two frames of the screen.
  const moves = event.getCoalescedEvents?.() ?? [];
  continueStroke((moves.length ? moves : [event]).map(place));
});

for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
  sheet.addEventListener(end, (event) => {
    if (event.pointerId === pointer) endStroke();
  });
}

const pen = find("pen"); // where the keyboard's pen is
const at = [SIDE / 2, SIDE / 2];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

sheet.addEventListener("keydown", (event) => {
  if (pointer !== null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in ARROWS) {
    movePen(ARROWS[event.key], event.shiftKey ? 2 : 8);
  } else if (event.key === " ") {
    if (!event.repeat) lowerOrLiftPen();
  } else {
    return;
  }
  event.preventDefault(); // the page does not scroll
});

sheet.addEventListener("focus", () => {
  if (sheet.matches(":focus-visible")) showPen();
});

sheet.addEventListener("blur", () => {
  if (stroke && pointer === null) endStroke();
  pen.hidden = true;
});

function movePen([right, down], step) {
  at[0] = Math.min(Math.max(at[0] + right * step, 0), SIDE);
  at[1] = Math.min(Math.max(at[1] + down * step, 0), SIDE);
  if (stroke) continueStroke([[...at]]);
  showPen();
}

function lowerOrLiftPen() {
  if (stroke) endStroke();
  else startStroke([...at]);
  showPen();
}

function showPen() {
  pen.hidden = false;
  pen.style.left = `${(100 * at[0]) / SIDE}%`;
  pen.style.top = `${(100 * at[1]) / SIDE}%`;
  pen.classList.toggle("is-down", stroke !== null);
  sheet.setAttribute("aria-label", `Sheet of paper, the pen is ${stroke ? "down" : "up"}`);
}

find("undo").addEventListener("click", undo);
find("clear").addEventListener("click", clear);

document.addEventListener("keydown", (event) => {
  const isCommand = (event.ctrlKey || event.metaKey) && !event.shiftKey; // with Shift it is redo
  if (isCommand && event.key.toLowerCase() === "z") undo();
  else if (event.key === "Delete" || event.key === "Backspace") clear();
  else return;
  event.preventDefault();
});

function showWidth() {
  const width = find("width").value;
  find("width").setAttribute("aria-valuetext", `${width / 10} of the 28 pixels`);
  const side = 2 * Math.round((16 * width) / 44); // an even number keeps the dot round
  find("dot").style.width = find("dot").style.height = `${side}px`;
}
find("width").addEventListener("input", showWidth);

// ---- 3.  Requests ----

// `version` counts the changes of what the server is asked: of the strokes and of the switches.
// An answer carries the version that it is about, so an old one never replaces a newer one.
let version = 0;
let asked = 0; // the newest version that the server was asked about
let answered = 0; // the version that the bars show
let timed = 0; // the version whose answer is timed, from the end of a stroke
let onTheirWay = 0; // the number of requests without an answer
let isLost = false; // the server does not answer

function changed() {
  version += 1;
  main.classList.toggle("is-empty", strokes.length === 0);
  main.classList.add("is-waiting"); // the bars are those of an older drawing,
  main.classList.add("is-stale"); //   and so are the explanations
  requestAnimationFrame(drawSheet);
  if (strokes.length === 0) showNothing();
  else ask();
}

// Return the server's answer, or null if there is none.
async function request(address, body) {
  const method = body ? "POST" : "GET";
  const headers = body ? { "Content-Type": "image/png" } : {};
  const signal = AbortSignal.timeout(10_000);
  try {
    const response = await fetch(address, { method, headers, body, signal });
    const answer = await response.json();
    if (response.ok) return answer;
    say(answer.error); // a sentence that says what is wrong
  } catch {
    lose();
  }
  return null;
}

// Ask what the networks read, and again as long as the drawing changes.  While a stroke is drawn,
// one request at a time is on its way, so a fast pen asks no more than the server can answer.  The
// end of a stroke does not wait for the answer about a part of it.
async function ask() {
  const most = stroke ? 1 : 2;
  if (isLost || Math.max(asked, answered) >= version || onTheirWay >= most) return;
  asked = version;
  onTheirWay += 1;
  const about = asked;
  const answer = await request(`read?without=${[...without]}`, picture());
  onTheirWay -= 1;
  if (about > answered && !isLost) {
    answered = about;
    if (answer) showReading(answer);
    else showRefusal();
  }
  ask();
}

function lose() {
  if (isLost) return;
  isLost = true;
  say("The digit pad’s program has stopped. Start it again with “python -m dlbasics.pad”, and go on here.");
  setTimeout(connect, 1000);
}

function say(sentence) {
  find("notice").textContent = sentence;
  find("notice").hidden = sentence === "";
}

// ---- 4.  Bars ----

const copyOf = (template) => find(template).content.firstElementChild.cloneNode(true);
let cards = new Map(); // by the network's name: {card, rows}
let reading = null; // the networks' newest answer

function buildNetworks(networks) {
  cards = new Map();
  for (const { name, parameters } of networks) {
    const card = copyOf("network-template");
    card.dataset.network = name;
    card.querySelector("h3").textContent = name;
    card.querySelector(".size").textContent = `${parameters.toLocaleString("en")} weights`;
    const rows = Array.from({ length: 10 }, (_, digit) => {
      const row = copyOf("bar-template");
      row.querySelector(".digit").textContent = digit;
      return row;
    });
    card.querySelector(".bars").replaceChildren(...rows);
    cards.set(name, { card, rows });
  }
  find("networks").replaceChildren(...[...cards.values()].map(({ card }) => card));
}

function showReading({ steps, networks }) {
  say("");
  for (const { name, probabilities } of networks) showBars(cards.get(name), probabilities);
  reading = networks;
  seen = steps.at(-1);
  showAnswer();
  const shown = answered;
  // The pictures follow when the bars are on the screen.
  requestAnimationFrame(() => setTimeout(() => {
    if (shown < answered) return; // newer ones come
    showSteps(steps);
    main.classList.toggle("is-waiting", answered < version);
  }));
}

// Say what the networks read, once the pen is up and the bars are about all that was drawn.
function showAnswer() {
  if (stroke || answered < version || !reading) return;
  find("answer").textContent = sentenceOf(reading);
  if (timed) noteTime();
  explainSoon();
}

function showBars({ card, rows }, probabilities) {
  const best = bestOf(probabilities);
  card.dataset.guess = best;
  card.querySelector(".guess").textContent = best;
  rows.forEach((row, digit) => {
    row.classList.toggle("is-best", digit === best);
    row.querySelector(".bar").style.transform = `scaleX(${probabilities[digit]})`;
    row.querySelector(".percent").textContent = percent(probabilities[digit]);
  });
}

function showNothing() {
  answered = version; // whatever is still on its way is about an older drawing
  emptyBars();
  find("answer").textContent = "Draw a digit, as large as you like.";
  if (!isLost) say("");
}

// The server has said why it does not read the drawing.
function showRefusal() {
  emptyBars();
  find("answer").textContent = "The networks cannot read this drawing.";
}

function emptyBars() {
  reading = null;
  main.classList.remove("is-waiting", "is-stale");
  for (const { card, rows } of cards.values()) {
    delete card.dataset.guess;
    card.querySelector(".guess").textContent = "–";
    for (const row of rows) {
      row.classList.remove("is-best");
      row.querySelector(".bar").style.transform = "scaleX(0)";
      row.querySelector(".percent").textContent = "";
    }
  }
  clearPictures();
}

const bestOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));
const percent = (p) => (p > 0.99 ? ">99%" : `${Math.round(100 * p)}%`);

function sentenceOf(networks) {
  const guesses = networks.map(({ name, probabilities }) => {
    const best = bestOf(probabilities);
    return { name, best, sure: percent(probabilities[best]) };
  });
  const [first] = guesses;
  if (guesses.length > 1 && guesses.every(({ best }) => best === first.best)) {
    return `It is a ${first.best}: all ${guesses.length} networks agree.`;
  }
  return `${guesses.map(({ name, best, sure }) => `${name} reads ${best} (${sure})`).join(", ")}.`;
}

// Note the time from the end of the stroke until the screen shows the new bars.
function noteTime() {
  timed = 0;
  requestAnimationFrame(() => {
    const { duration } = performance.measure("pen up to bars", "pen up");
    find("time").textContent = `The last answer took ${Math.round(duration)} ms.`;
  });
}

// ---- 5.  Steps ----

const without = new Set(); // the names of the steps that are switched off
let stepNames = [];
let switches = new Map(); // by the step's name: its tile on the page
let seen = null; // the last step's picture, 28x28: what the networks see

function buildSteps(steps) {
  switches = new Map();
  for (const { name, title, text } of steps) {
    const tile = copyOf("step-template");
    tile.dataset.step = name;
    tile.querySelector(".title").textContent = title;
    tile.querySelector(".text").textContent = text;
    const box = tile.querySelector("input");
    if (name === "drawn") box.remove(); // this one has no switch
    else box.addEventListener("change", () => switchSteps([name], box.checked));
    switches.set(name, tile);
  }
  find("steps").replaceChildren(...switches.values());
  stepNames = [...switches.keys()].filter((name) => name !== "drawn");
  switchSteps([], true);
}

function switchSteps(names, isOn) {
  for (const name of names) {
    if (isOn) without.delete(name);
    else without.add(name);
  }
  for (const name of stepNames) {
    switches.get(name).querySelector("input").checked = !without.has(name);
    switches.get(name).classList.toggle("is-off", without.has(name));
  }
  find("as-mnist").setAttribute("aria-pressed", without.size === 0);
  find("as-drawn").setAttribute("aria-pressed", without.size === stepNames.length);
  changed();
}

find("as-mnist").addEventListener("click", () => switchSteps(stepNames, true));
find("as-drawn").addEventListener("click", () => switchSteps(stepNames, false));

function showSteps(steps) {
  for (const step of steps) {
    const canvas = switches.get(step.name).querySelector("canvas");
    paint(canvas, step, grey);
    canvas.classList.toggle("is-small", step.width <= 28); // its pixels stay visible
  }
  paint(find("seen"), seen, grey);
}

// ---- 6.  Inside a network ----

let chosen = ""; // the network that is explained
let explanation = null; // the last answer; painted anew when the theme changes
let waiting = 0;

function buildChoice(networks) {
  const names = networks.map(({ name }) => name);
  if (!names.includes(chosen)) chosen = names.at(-1);
  const buttons = names.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => choose(name));
    return button;
  });
  find("chosen").replaceChildren(...buttons);
  choose(chosen);
}

function choose(name) {
  chosen = name;
  for (const button of find("chosen").children) {
    button.setAttribute("aria-pressed", button.textContent === name);
  }
  main.classList.add("is-stale");
  explainSoon();
}

// An explanation takes the server longer than a reading, so it waits until the pen rests.
function explainSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(explain, 150);
}

async function explain() {
  if (strokes.length === 0 || isLost || pointer !== null) return; // the stroke's end asks again
  const [about, network] = [version, chosen];
  const query = `network=${encodeURIComponent(network)}&without=${[...without]}`;
  const answer = await request(`explain?${query}`, picture());
  if (answer && about === version && network === chosen) showExplanation(answer);
}

function showExplanation(answer) {
  explanation = answer;
  main.classList.remove("is-stale");
  showReasons(answer.guesses);
  showLayers(answer.layers);
}

function showReasons(guesses) {
  const figures = [];
  for (const guess of guesses) {
    for (const method of ["gradient", "occlusion"]) {
      const figure = copyOf("reason-template");
      const word = method === "gradient" ? "gradient" : "covering";
      const name = `${guess.digit} (${percent(guess.probability)}), by ${word}`;
      figure.querySelector("figcaption").textContent = name;
      figure.querySelector("canvas").setAttribute("aria-label", `Pixels for and against ${name}`);
      paintReason(figure.querySelector("canvas"), guess[method]);
      figures.push(figure);
    }
  }
  find("reasons").replaceChildren(...figures);
}

function showLayers(layers) {
  const items = layers.map(({ name, maps }) => {
    const item = copyOf("layer-template");
    const { height, width } = maps[0];
    const isRow = height === 1; // the output of an Affine layer has no rows and columns
    item.querySelector(".name").textContent = name;
    item.querySelector(".size").textContent = isRow
      ? `${width} numbers`
      : `${maps.length} maps of ${height} × ${width}`;
    item.querySelector(".maps").classList.toggle("is-row", isRow);
    item.querySelector(".maps").replaceChildren(...maps.map(mapCanvas));
    return item;
  });
  items.at(-1).append(copyOf("digits-template")); // the last layer has a score for each digit
  find("layers").replaceChildren(...items);
}

function mapCanvas(map) {
  const canvas = document.createElement("canvas");
  paint(canvas, map, glow);
  if (map.height > 1) canvas.style.width = `${mapSide(map.width)}px`;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

// Return a multiple of the map's side, so that each of its pixels covers as many of the screen's.
function mapSide(side) {
  const wanted = innerWidth < 700 ? 28 : 28 + side;
  return side * Math.max(1, Math.round(wanted / side));
}

function clearPictures() {
  explanation = null;
  find("reasons").replaceChildren();
  find("layers").replaceChildren();
  for (const canvas of document.querySelectorAll(".step canvas, #seen")) {
    canvas.width = canvas.width; // this clears it
  }
}

// ---- 7.  Pictures ----

function bytesFrom(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // much faster than Array.from
  return bytes;
}

// A picture comes as {height, width, pixels}, with a byte for each pixel.
const bytesOf = (picture) => bytesFrom(picture.pixels);

const tables = new WeakMap(); // by its function: the colour of each byte

// A colour is one number: its lowest byte is red, then come green, blue and 255, which is opaque.
function tableOf(colorOf) {
  if (!tables.has(colorOf)) {
    const colors = Array.from({ length: 256 }, (_, byte) => colorOf(byte));
    tables.set(colorOf, Uint32Array.from(colors, ([red, green, blue]) =>
      red | (green << 8) | (blue << 16) | (255 << 24)));
  }
  return tables.get(colorOf);
}

function paint(canvas, picture, colorOf) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  const image = new ImageData(picture.width, picture.height);
  const colors = tableOf(colorOf);
  const pixels = new Uint32Array(image.data.buffer);
  bytesOf(picture).forEach((byte, i) => { pixels[i] = colors[byte]; });
  contextOf(canvas).putImageData(image, 0, 0);
}

// Each of these maps a byte to red, green and blue.
const grey = (byte) => [byte, byte, byte];

const mixed = (from, to, share) => from.map((value, i) => value + (to[i] - value) * share);

const BLACK = [16, 19, 26], BLUE = [64, 140, 255], ORANGE = [255, 150, 60], WHITE = [255, 255, 255];

// 128 is 0, and black.  Larger values glow blue, then white; smaller ones glow orange.
function glow(byte) {
  const share = Math.min(1, Math.abs(byte - 128) / 127) ** 0.6; // the eye sees small values, too
  if (byte < 128) return mixed(BLACK, ORANGE, share);
  return share < 0.6 ? mixed(BLACK, BLUE, share / 0.6) : mixed(BLUE, WHITE, (share - 0.6) / 0.4);
}

// The colours of the legend, in the theme of the page, for "for", "against" and paper.
function legendColors() {
  const colorOf = (selector, property) =>
    getComputedStyle(document.querySelector(selector))[property].match(/[\d.]+/g).slice(0, 3).map(Number);
  return [
    colorOf(".legend .for", "backgroundColor"),
    colorOf(".legend .against", "backgroundColor"),
    colorOf(".sheet", "backgroundColor"),
  ];
}

// Paint what speaks for and against a digit, and the edge of the ink over it.
function paintReason(canvas, picture) {
  const [pro, contra, paper] = legendColors();
  const small = document.createElement("canvas");
  paint(small, picture, (byte) => mixed(paper, byte > 128 ? pro : contra, Math.min(1, Math.abs(byte - 128) / 127)));
  const scale = 8;
  canvas.width = picture.width * scale;
  canvas.height = picture.height * scale;
  const context = contextOf(canvas);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.strokeStyle = getComputedStyle(sheet).color;
  context.lineWidth = 1.5;
  context.scale(scale, scale);
  context.lineWidth /= scale;
  context.stroke(edgeOf(seen));
}

// Return the lines between pixels with ink and pixels without.
function edgeOf(picture) {
  const bytes = bytesOf(picture);
  const side = picture.width;
  const hasInk = (row, column) => bytes[row * side + column] > 127;
  const path = new Path2D();
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (column + 1 < side && hasInk(row, column) !== hasInk(row, column + 1)) {
        path.moveTo(column + 1, row);
        path.lineTo(column + 1, row + 1);
      }
      if (row + 1 < side && hasInk(row, column) !== hasInk(row + 1, column)) {
        path.moveTo(column, row + 1);
        path.lineTo(column + 1, row + 1);
      }
    }
  }
  return path;
}

// ---- 8.  Theme and start ----

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  find("theme-name").textContent = theme;
  paintAgain();
}

function paintAgain() {
  drawSheet();
  if (explanation) showReasons(explanation.guesses);
}

// A browser may forbid a page to remember things.
function remembered() {
  try {
    const theme = localStorage.getItem("theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

function remember(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // The theme then holds until the page is closed.
  }
}

find("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme;
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  remember(next);
  setTheme(next);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAgain);

// Ask which networks and steps there are, at the start and after the server was lost.
async function connect() {
  isLost = false;
  const answer = await request("networks");
  if (!answer) return;
  say("");
  buildNetworks(answer.networks);
  buildSteps(answer.steps);
  buildChoice(answer.networks);
}

setTheme(remembered());
showWidth();
connect();
