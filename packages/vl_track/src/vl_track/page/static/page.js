// The page to track with: a clip, what is drawn on it, and what the server found.

import { $, ask, askJson, make, say, send, takeFiles, trying } from "./base.js";
import { Thing, WORDS, sureness } from "./objects.js";
import { Pictures } from "./pictures.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const POLL = 200, RETRY = 3000, PING = 60_000;    // milliseconds
const page = await askJson("/api/page");
const pictures = new Pictures();
const stage = new Stage($("picture"), drawBox, hint);
const strip = new Strip($("strip"), (frame) => { follow = false; seek(frame); });

let job = null;             // what the server said about the clip
let things = [];
let chosen = null;
let frame = 0;
let follow = false;         // show the newest frame while tracking
let run = { number: 0, state: "done", next: 0, ahead: 0 };
let playing = null;
let typed = null;
let starting = false;       // a change is on its way to the server, and tracking goes on after it
let queue = Promise.resolve();

const colour = (thing) => `rgb(${page.colours[things.indexOf(thing) % page.colours.length]})`;
const active = () => run.state === "waiting" || run.state === "tracking";
const at = (path = "") => `/api/jobs/${job.id}${path}`;
/** Changes reach the server one after the other. */
const inOrder = (work) => (queue = queue.then(() => trying(work)));

// ---- taking a clip ------------------------------------------------------------------------------

function begin() {
  job = null;
  history.replaceState(null, "", location.pathname);
  $("work").hidden = $("another").hidden = true;
  $("begin").hidden = false;
}

async function upload(file) {
  say("");
  if (file.size > page.megabytes * 1e6) {
    say(`${file.name} is too large: up to ${page.megabytes} MB are taken.`);
    return;
  }
  const before = job;
  const place = before ? $("status") : $("sending");
  await trying(async () => {
    const told = (share) => { place.textContent = share < 1 ? `Sending ${Math.round(share * 100)} %` : "Looking at the clip..."; };
    open(await send(`/api/jobs?name=${encodeURIComponent(file.name)}`, file, told));
    if (before) ask(`/api/jobs/${before.id}`, { method: "DELETE" }).catch(() => {});
  });
  $("sending").textContent = "";
  panel();
}

async function takeExample(number) {
  say("");
  await trying(async () => {
    $("sending").textContent = "Opening the example...";
    open(await askJson(`/api/examples/${number}`, { method: "POST" }));
    await track();
  });
  $("sending").textContent = "";
}

function showExamples() {
  $("examples-title").hidden = !page.examples.length;
  page.examples.forEach((one, number) => {
    const canvas = make("canvas", { width: 360, height: 225 });
    const image = new Image();
    image.onload = () => drawExample(canvas, image, one.box);
    image.src = `/api/examples/${one.picture}`;
    const words = make("span", {}, make("b", { textContent: one.title }), `\u201c${one.text}\u201d`);
    const button = make("button", { className: "thumb", type: "button" }, canvas, words);
    button.addEventListener("click", () => takeExample(number));
    $("examples").append(button);
  });
}

function drawExample(canvas, image, [x, y, w, h]) {
  // The thumbnail may be smaller than the clip that the box belongs to.
  const sizes = page.examples.find((one) => image.src.endsWith(one.picture)).size;
  const scale = Math.max(canvas.width / sizes[0], canvas.height / sizes[1]);
  const left = (canvas.width - sizes[0] * scale) / 2, top = (canvas.height - sizes[1] * scale) / 2;
  const brush = canvas.getContext("2d");
  brush.drawImage(image, left, top, sizes[0] * scale, sizes[1] * scale);
  for (const [shade, width] of [["rgba(0,0,0,.6)", 6], [`rgb(${page.colours[0]})`, 3.5]]) {
    brush.strokeStyle = shade;
    brush.lineWidth = width;
    brush.strokeRect(left + x * scale, top + y * scale, w * scale, h * scale);
  }
}

function open(session) {
  job = session;
  history.replaceState(null, "", `#job=${session.id}`);
  things = session.objects.map(Thing.from);
  if (!things.length) things = [new Thing(1, "Object 1")];
  chosen = things[0];
  run = { number: session.run, state: session.state, next: session.next, ahead: session.ahead };
  follow = active();
  $("begin").hidden = true;
  $("work").hidden = $("another").hidden = false;
  pictures.reset(session.id, session.count);
  stage.setSize(session.width, session.height);
  takeReading(session);
  say(session.trouble || "");
  seek(chosen.start);
  poll(session.id);
}

function takeReading({ count, ready, read, whole, note }) {
  Object.assign(job, { count, ready, read, whole, note });
  $("slider").max = $("number").max = Math.max(count - 1, 0);
  const cut = whole ? "" : ` The clip is longer: its first ${count} frames are used.`;
  const kept = `${job.name}: ${count} frames of ${job.width} \u00d7 ${job.height} pixels.`;
  $("kept").textContent = `${kept}${cut} ${note} It is removed ${page.minutes} minutes after you leave.`;
}

// ---- moving through the clip --------------------------------------------------------------------

async function seek(number) {
  frame = Math.min(Math.max(Math.round(number) || 0, 0), Math.max(job.count - 1, 0));
  $("slider").value = frame;
  if (document.activeElement !== $("number")) $("number").value = frame;
  panel();
  const [wanted, clip] = [frame, job.id];
  const image = await pictures.get(wanted);
  if (!job || clip !== job.id || wanted !== frame) return;
  if (image) stage.show(image, boxesNow());
  pictures.ahead(wanted, job.ready);
}

function boxesNow() {
  const shown = [];
  for (const thing of things) {
    const [drawn, found] = [thing.prompts.get(frame), thing.found.get(frame)];
    const old = frame >= thing.fresh;
    if (drawn?.box) shown.push({ box: drawn.box, colour: colour(thing), style: "sure", label: thing.name });
    else if (found) {
      const worth = sureness(found, page);
      const words = WORDS[found.present == null ? "score" : "present"][worth];
      const label = old ? `${thing.name}: old` : worth === "sure" ? thing.name : `${thing.name}: ${words}`;
      shown.push({ box: found.box, colour: old ? "#b8c0c8" : colour(thing), style: old ? "old" : worth, label });
    }
  }
  return shown;
}

function redraw() {
  stage.colour = colour(chosen);
  stage.boxes = boxesNow();
  stage.draw();
  strip.draw(things, job.count, frame, colour, page);
}

function play() {
  const stopNow = playing !== null;
  clearTimeout(playing);
  playing = null;
  if (!stopNow) {
    follow = false;
    if (frame >= job.count - 1) frame = -1;
    const next = async () => {
      if (frame + 1 >= job.count) { playing = null; panel(); return; }
      const begun = performance.now();
      await seek(frame + 1);
      if (playing !== null) playing = setTimeout(next, Math.max(0, 1000 / Math.min(job.rate, 30) - (performance.now() - begun)));
    };
    playing = setTimeout(next, 0);
  }
  panel();
}

// ---- drawing and writing ------------------------------------------------------------------------

function drawBox(box) {
  const corrects = chosen.drawBox(frame, box);
  hint("");
  if (!chosen.textAt(frame) && draft()) chosen.writeWhole(draft(), frame);
  change(corrects);
}

const draft = () => $("sentence").value.trim().slice(0, page.text);

const showRemarks = (remarks) => {
  $("remarks").textContent = remarks.map((one) => `${one[0].toUpperCase()}${one.slice(1)}.`).join(" ");
};

/** Name the words that the model does not know while they are typed. */
function typing() {
  panel();
  clearTimeout(typed);
  typed = setTimeout(() => trying(async () => {
    const text = draft();
    const { remarks } = await askJson(`/api/words?text=${encodeURIComponent(text)}`);
    if (text === draft()) showRemarks(remarks);
  }), 300);
}

function wrote() {
  const text = draft();
  if (text === chosen.textAt(frame)) { panel(); return; }
  if (!chosen.tracked || frame <= chosen.start) {
    chosen.writeWhole(text, frame);
    change(false);
  }
}

/** Tell the server what is drawn and written; go on tracking if that is what the change is for. */
function change(andTrack) {
  starting = andTrack || active();
  panel();
  return inOrder(async () => {
    say("");
    const was = active();
    const objects = things.filter((one) => one.prompts.size || one.found.size).map((one) => one.describe());
    const marks = await askJson(at("/objects"), { method: "PUT", json: { objects } });
    for (const { id, fresh, remarks } of marks.objects) {
      const thing = things.find((one) => one.id === id);
      if (thing) Object.assign(thing, { fresh, remarks });
    }
    if (was) run.state = "stopped";
    panel();
    if (andTrack || was) await track();
  }).finally(() => { starting = false; if (job) panel(); });
}

async function track() {
  say("");
  const begun = await askJson(at("/track"), { method: "POST" });
  run = { number: begun.run, state: begun.state, next: 0, ahead: begun.ahead };
  follow = true;
  panel();
}

async function stop() {
  await trying(() => ask(at("/stop"), { method: "POST" }));
}

/** Ask what was found, for as long as this clip is shown; now and then if nothing happens. */
async function poll(clip) {
  let asked = 0;
  while (job?.id === clip) {
    const busy = active() || !job.read;
    if (busy || (performance.now() - asked > PING && !document.hidden)) {
      asked = performance.now();
      try {
        const found = await askJson(at(`/progress?run=${run.number}&since=${run.next}`));
        if (job?.id === clip) take(found);
      } catch (error) {
        if (job?.id !== clip) return;
        if (error.status === 404) begin();
        say(error.message);
        await new Promise((go) => setTimeout(go, RETRY));
      }
    }
    await new Promise((go) => setTimeout(go, POLL));
  }
}

function take(found) {
  const changed = found.rows.length || found.state !== run.state || found.ready !== job.ready;
  const before = active();
  if (found.run < run.number) return;
  run = { number: found.run, state: found.state, next: found.next, ahead: found.ahead };
  let newest = null;
  for (const [id, ...row] of found.rows) {
    things.find((one) => one.id === id)?.note(row);
    newest = row[0];
  }
  takeReading(found);
  if (before && run.state === "failed") say(found.trouble);
  if (newest !== null && follow) seek(newest);
  else if (changed) panel();
}

// ---- what is shown around the picture -----------------------------------------------------------

/** Show what to do next: these words, or by default the first step; null shows nothing. */
function hint(words) {
  const nothing = words !== null && job && !chosen.prompts.size;
  $("hint").textContent = words || (nothing ? "Drag a box around what to follow" : "");
}

function panel() {
  if (!job) return;
  showObjects();
  if (document.activeElement !== $("sentence")) $("sentence").value = chosen.textAt(frame);
  if (draft() === chosen.textAt(frame)) showRemarks(chosen.remarks);
  const midway = chosen.tracked && frame > chosen.start && draft() !== chosen.textAt(frame);
  $("midway").hidden = !midway;
  $("from-here").textContent = `From frame ${frame} on`;
  $("track").hidden = active();
  $("stop").hidden = !active();
  const old = things.some((one) => one.prompts.size && one.found.size && one.fresh < job.count);
  const first = !things.some((one) => one.found.size);
  $("track").textContent = first ? "Track" : old ? "Track the rest" : "Track";
  $("track").disabled = !things.some((one) => one.prompts.size && one.fresh < job.count);
  $("status").textContent = status(old && !first);
  const done = things.some((one) => one.tracked);
  $("results").hidden = $("legend").hidden = !done;
  $("get-video").disabled = $("get-boxes").disabled = active() || starting;
  $("remove-here").disabled = !chosen.prompts.has(frame);
  $("compare").disabled = !chosen.prompts.size || !chosen.textAt(chosen.start) || !chosen.prompts.get(chosen.start).box
    || things.length >= page.objects;
  $("remove-object").disabled = things.length < 2 && !chosen.prompts.size;
  $("play").textContent = playing === null ? "\u25B6" : "\u275A\u275A";
  $("play").setAttribute("aria-label", playing === null ? "Play" : "Pause");
  $("slider").setAttribute("aria-valuetext", `frame ${frame} of ${job.count}`);
  document.documentElement.style.setProperty("--mark", colour(chosen));
  words();
  hint("");
  redraw();
}

function words() {
  const calibrated = chosen.found.size && [...chosen.found.values()].some((one) => one.present != null);
  for (const [key, word] of Object.entries(WORDS[calibrated ? "present" : "score"])) $(`word-${key}`).textContent = word;
}

function status(old) {
  if (starting) return "Starting...";
  if (run.state === "waiting") return `Waiting: ${Math.max(run.ahead - 1, 0)} before you.`;
  if (run.state === "tracking") return `Tracking: ${Math.max(...things.map((one) => one.fresh))} of ${job.count} frames.`;
  if (run.state === "failed") return "";
  if (!chosen.prompts.size && things.length > 1) return "Drag a box around the next object, or say what it is.";
  if (old && !things.some((one) => one.stale)) return `Stopped at frame ${Math.max(...things.map((one) => one.fresh)) - 1}. "Track the rest" goes on from there.`;
  if (old) return "Results after the change are old: grey dotted boxes, hatched in the strip.";
  if (things.some((one) => one.tracked)) return "Tracked. To correct it, draw a box on any frame.";
  return "";
}

function showObjects() {
  const chips = things.map((thing) => {
    const chip = make("button", { className: "chip", type: "button" }, make("i"), thing.name);
    chip.setAttribute("aria-pressed", thing === chosen);
    chip.firstChild.style.background = colour(thing);
    chip.addEventListener("click", () => { chosen = thing; $("sentence").blur(); panel(); });
    return chip;
  });
  if (things.length < page.objects) {
    const add = make("button", { className: "chip add", type: "button", textContent: "+ Object", id: "add" });
    add.addEventListener("click", addObject);
    chips.push(add);
  }
  const focused = [...$("objects").children].indexOf(document.activeElement);
  $("objects").replaceChildren(...chips);
  if (focused >= 0) $("objects").children[Math.min(focused, chips.length - 1)].focus();
}

function newThing(name) {
  const id = Math.max(0, ...things.map((one) => one.id)) + 1;
  chosen = new Thing(id, (name || `Object ${id}`).slice(0, page.name));
  things.push(chosen);
}

function addObject() {
  const empty = things.find((one) => !one.prompts.size);
  if (empty) chosen = empty;
  else newThing();
  panel();
}

function compare() {
  const from = chosen;
  newThing(`${from.name}, no words`);
  for (const [number, one] of from.prompts) {
    if (one.box) chosen.prompts.set(number, { box: one.box, text: "", stay: false });
  }
  change(true);
}

function removeObject() {
  things = things.filter((one) => one !== chosen);
  chosen = things[0];
  if (!chosen) newThing();
  change(false);
}

async function download(path, name) {
  $("status").textContent = name.endsWith("mp4") ? "Drawing the video..." : "";
  await trying(async () => {
    const content = await (await ask(at(path))).blob();
    const link = make("a", { href: URL.createObjectURL(content), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 30_000);
  });
  panel();
}

// ---- buttons and fields -------------------------------------------------------------------------

const stem = () => job.name.replace(/\.[^.]*$/, "");
$("another").addEventListener("click", () => {
  if (job) ask(at(), { method: "DELETE" }).catch(() => {});
  begin();
});
$("slider").addEventListener("input", () => { follow = false; seek(Number($("slider").value)); });
$("number").addEventListener("input", () => { follow = false; if ($("number").value !== "") seek(Number($("number").value)); });
$("number").addEventListener("change", () => { $("number").value = frame; });
$("play").addEventListener("click", play);
$("sentence").maxLength = page.text;
$("sentence").addEventListener("input", typing);
$("sentence").addEventListener("change", wrote);
$("from-here").addEventListener("click", () => {
  chosen.writeFrom(draft(), frame, $("anew").checked);
  change(true);
});
$("whole-clip").addEventListener("click", () => { chosen.writeWhole(draft(), chosen.start); change(false); });
$("track").addEventListener("click", () => { wrote(); inOrder(track); });
$("stop").addEventListener("click", stop);
$("get-video").addEventListener("click", () => download("/overlay.mp4", `${stem()}_tracked.mp4`));
$("get-boxes").addEventListener("click", () => download(`/boxes/${chosen.id}.txt`, `${stem()}_boxes.txt`));
$("remove-here").addEventListener("click", () => { chosen.prompts.delete(frame); change(false); });
$("compare").addEventListener("click", compare);
$("remove-object").addEventListener("click", removeObject);
$("box-set").addEventListener("click", () => {
  const box = ["x", "y", "w", "h"].map((side) => Number($(`box-${side}`).value));
  if (box[2] >= 2 && box[3] >= 2) drawBox(box);
  else say("A box needs x, y, width and height, in pixels of the clip.");
});
document.addEventListener("keydown", (event) => {
  if (!job || /INPUT|BUTTON|SUMMARY/.test(event.target.tagName)) return;
  if (event.key === " ") { event.preventDefault(); play(); }
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    follow = false;
    seek(frame + (event.key === "ArrowRight" ? 1 : -1));
  }
});
addEventListener("resize", () => job && redraw());
takeFiles($("drop"), upload);

$("limits").textContent = `${page.endings.join(" ")} \u00b7 up to ${page.megabytes} MB and ${page.frames} frames`;
showExamples();
const known = new URLSearchParams(location.hash.slice(1)).get("job");
if (known) {
  try {
    open(await askJson(`/api/jobs/${encodeURIComponent(known)}`));
  } catch (error) {
    begin();
    say(error.message);
  }
} else begin();
