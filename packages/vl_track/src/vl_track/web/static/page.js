// The page: choose a video, draw a box or say what it is, and follow it.

const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const video = $("video"), grabber = new Grabber(), stepper = new Stepper(video);
const stage = new Stage($("picture"), drawn, (text) => { $("hint").textContent = text || ""; });
const network = new Network(facts);
const COLUMNS = "frame,time,object,x,y,width,height,score,present";
const GREEN = [40, 167, 69], GREY = [138, 147, 155];

let box = null;             // drawn
let rows = [];              // of the run: frame, time, box, score, present, lost
let running = false, live = false, opened = null;
let first = 0;              // time of the file's first frame; some clips do not begin at 0

const say = (text) => { $("status").textContent = text; };

function complain(error) {
  $("message").hidden = !error;
  $("message").firstElementChild.textContent = error ? error.message : "";
}

/** Do something that a visitor asked for, and show its refusal. */
const trying = (work) => async (...given) => {
  complain(null);
  try {
    await work(...given);
  } catch (error) {
    complain(error);
  }
};

// ---- what is shown ----

/** Green where the object is surely in view, grey where it is lost. */
function colourOf({ present, lost }) {
  const share = lost ? 0 : present ?? 1;
  return `rgb(${GREEN.map((value, part) => Math.round(GREY[part] + (value - GREY[part]) * share))})`;
}

function labelOf({ present, lost, score }) {
  if (lost) return "lost";
  return present === null ? `score ${score.toFixed(2)}` : `present ${present.toFixed(2)}`;
}

/** The row of the frame shown, while looking through what was tracked. */
function rowShown() {
  const time = stepper.shown ?? 0;
  return rows.findLast((row) => row.time <= time + 1e-6);
}

function show(row = rowShown()) {
  const boxes = [];
  if (row) boxes.push({ box: row.box, colour: colourOf(row), style: row.lost ? "lost" : "sure", label: labelOf(row) });
  if (box && !running) boxes.push({ box, colour: "#ffb300", style: "drawing", label: "" });
  stage.show(grabber.canvas, boxes);
}

function look() {
  grabber.take(video);
  show();
}

function buttons() {
  $("track").hidden = running;
  $("stop").hidden = !running;
  $("save").disabled = running || !rows.length;
  $("slider").disabled = running;
}

// ---- the video ----

async function chosen(open) {
  running = false;
  box = null;
  rows = [];
  say("");
  if (video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
  if (video.src) URL.revokeObjectURL(video.src);
  await open();
  live = video.srcObject !== null;
  $("begin").hidden = true;
  $("work").hidden = $("another").hidden = false;
  $("slider").hidden = $("every-row").hidden = live;
  if (!live) {
    stepper.interval = null;
    first = (await stepper.seek(0)) ?? 0;
    Object.assign($("slider"), { min: first, max: video.duration });
    $("slider").value = first;
  }
  grabber.fit(video);
  stage.setSize(grabber.canvas.width, grabber.canvas.height);
  look();
  buttons();
  $("hint").textContent = "Drag from corner to corner of the object.";
  if (live) watchCamera();
}

async function watchCamera() {
  while (live && video.srcObject) {
    await nextOfCamera(video);
    if (!running && !video.paused) look();
  }
}

function drawn(found) {
  if (running) return;
  box = found;
  if (live) video.pause();    // the box belongs to this picture
  say("");
  show();
}

// ---- tracking ----

const sentence = () => (facts.text ? $("sentence").value : "");

async function open() {
  opened ??= network.open(say).catch((error) => { opened = null; throw error; });
  await opened;
}

async function track() {
  const words = sentence();
  if (!box && !isSaid(words)) throw new Error("Draw a box around the object first, or say what it is.");
  if (!box && !network.knows(words)) throw new Error(`${network.remarks(words)} Draw a box, or use other words.`);
  running = true;
  rows = [];
  buttons();
  try {
    await open();
    if (!live && stepper.interval === null) {
      say("Measuring the frame rate…");
      await stepper.measure();
    }
    await follow(words);
  } finally {
    running = false;
    box = null;
    buttons();
  }
}

async function follow(words) {
  const tracker = new Tracker(network);
  const step = live ? 1 : Math.max(1, Math.round(Number($("every").value) || 1));
  const begun = performance.now();
  let busy = 0, time = live ? 0 : stepper.shown;
  // Browsers do not know how long a clip is that does not begin at 0.
  const total = () => live || first > 0 ? "" : ` of about ${Math.max(rows.length, Math.round((video.duration - begin) / stepper.interval / step))}`;
  const begin = time;
  let row = await tracker.initialize(grabber.take(video), box, words);
  if (live) await video.play();
  for (let frame = 0; ; frame += step) {
    rows.push({ frame, time, ...row });
    show(rows.at(-1));
    const rate = rows.length > 1 ? `, ${(1000 * (rows.length - 1) / busy).toFixed(1)} a second` : "";
    say(`Tracking: ${rows.length}${total()} frames${rate}`);
    time = live ? await nextOfCamera(video).then(() => (performance.now() - begun) / 1000) : await stepper.next(step);
    if (time === null || !running) break;
    if (!live) $("slider").value = time;
    const picture = grabber.take(video), asked = performance.now();
    row = await tracker.track(picture);
    busy += performance.now() - asked;
  }
  const overall = (rows.length - 1) / (performance.now() - begun) * 1000;
  say(`Tracked ${rows.length} frames, ${overall.toFixed(1)} a second with reading the video.`);
}

// ---- results ----

/** The boxes as vl-track track --save boxes.csv writes them. */
function csv() {
  const line = ({ frame, time, box: found, score, present }) => [
    frame, (live ? time : time - first).toFixed(6), 1, ...found.map((value) => value.toFixed(3)), score.toFixed(4),
    present === null ? "" : present.toFixed(4),
  ].join(",");
  return [COLUMNS, ...rows.map(line), ""].join("\n");
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "boxes.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- the controls ----

const take = trying((file) => file && chosen(() => openFile(video, file)));
$("file").addEventListener("change", (event) => take(event.target.files[0]));
$("camera").addEventListener("click", trying(() => chosen(() => openCamera(video))));
$("another").addEventListener("click", () => location.reload());
for (const name of ["dragover", "drop"]) {
  $("drop").addEventListener(name, (event) => {
    event.preventDefault();
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
}
video.addEventListener("durationchange", () => { if (!live && Number.isFinite(video.duration)) $("slider").max = video.duration; });
$("track").addEventListener("click", trying(track));
$("stop").addEventListener("click", () => { running = false; });
$("save").addEventListener("click", save);
$("sentence").addEventListener("input", () => { $("remarks").textContent = network.remarks(sentence()); });
$("slider").addEventListener("input", trying(async () => {
  await stepper.seek(Number($("slider").value));
  look();
}));
$("message").lastElementChild.addEventListener("click", () => complain(null));
$("words").hidden = !facts.text;
$("begin").hidden = false;
