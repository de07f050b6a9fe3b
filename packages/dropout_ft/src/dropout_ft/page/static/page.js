// The page for pictures: a picture, its shifts, and what each model says before and after.

import { $, ask, askJson, make, say, send, takeFiles, trying } from "./base.js";

const SHOWN_CLASSES = 5, WAIT = 120;
const page = await askJson("/api/page");
let picture = null;         // what the server said about the picture
let after = null;           // answers to the shifted picture
let timer = null;
let asking = null;

const best = (shares) => Object.entries(shares).reduce((one, other) => (other[1] > one[1] ? other : one));
const percent = (share) => (share > 0 && share < 0.01 ? "<1 %" : `${Math.round(share * 100)} %`);
/** The class that a model names, or null where it abstains. */
const said = (shares) => (best(shares)[1] < Number($("abstain").value) ? null : best(shares)[0]);

function begin() {
  picture = null;
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
  const before = picture;
  await trying(async () => {
    open(await send(`/api/pictures?name=${encodeURIComponent(file.name)}`, file, (share) => {
      $("sending").textContent = share < 1 ? `Sending ${Math.round(share * 100)} %` : "Asking the models...";
    }));
    if (before) ask(`/api/pictures/${before.id}`, { method: "DELETE" }).catch(() => {});
  });
  $("sending").textContent = "";
}

async function takeExample(number) {
  say("");
  await trying(async () => open(await askJson(`/api/examples/${number}`, { method: "POST" })));
}

function open(found) {
  picture = found;
  after = found.answers;
  history.replaceState(null, "", `#picture=${found.id}`);
  $("begin").hidden = true;
  $("work").hidden = $("another").hidden = false;
  $("before").src = $("after").src = `/api/pictures/${found.id}/picture.jpg`;
  show();
  if (changed()) shift();
}

const values = () => Object.fromEntries(page.sliders.map((one) => [one.name, Number($(one.name).value)]));
const changed = () => page.sliders.some((one) => Number($(one.name).value) !== one.start);

function shift() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    asking?.abort();
    asking = new AbortController();
    await trying(async () => {
      const options = { method: "POST", json: values(), signal: asking.signal };
      const found = await askJson(`/api/pictures/${picture.id}/answer`, options);
      $("after").src = found.picture;
      after = found.answers;
      say("");
      show();
    });
  }, WAIT);
}

// ---- answers ------------------------------------------------------------------------------------

function show() {
  $("abstain-value").textContent = percent(Number($("abstain").value));
  if (!picture) return;
  $("models").replaceChildren(...page.models.map((name) => card(name)));
  verdict();
}

function verdict() {
  const names = page.models.map((name) => [name, said(after[name])]);
  const apart = new Set(names.map(([, one]) => one)).size > 1;
  const words = (one) => (one === null ? "unknown" : `\u201c${one}\u201d`);
  $("verdict").classList.toggle("apart", apart);
  if (apart) $("verdict").textContent = `\u2260 The models disagree: ${names.map(([name, one]) => `${name} says ${words(one)}`).join(", ")}.`;
  else if (names.length > 1) $("verdict").textContent = `= All models say ${words(names[0][1])}.`;
  else $("verdict").textContent = `${names[0][0]} says ${words(names[0][1])}.`;
}

function card(name) {
  const [was, now] = [said(picture.answers[name]), said(after[name])];
  const moved = was !== now;
  const note = moved ? `\u2260 before: ${was ?? "unknown"}` : changed() ? "= as before" : "";
  const shares = after[name];
  const classes = Object.keys(shares).sort((one, other) => shares[other] - shares[one]).slice(0, SHOWN_CLASSES);
  const bars = classes.flatMap((one) => {
    const [old, fresh] = [make("i", { className: "old" }), make("i")];
    old.style.width = `${picture.answers[name][one] * 100}%`;
    fresh.style.width = `${shares[one] * 100}%`;
    return [make("b", { textContent: one, title: one }), make("div", { className: "pair" }, old, fresh), make("span", { textContent: percent(shares[one]) })];
  });
  return make("article", { className: "card model" },
    make("h3", { className: "soft", textContent: name }),
    make("p", { className: "says", textContent: now ?? `unknown (perhaps ${best(shares)[0]})` }),
    make("p", { className: `was small ${moved ? "changed" : "soft"}`, textContent: note }),
    make("div", { className: "bars" }, ...bars));
}

// ---- sliders, examples, buttons -----------------------------------------------------------------

function addSlider({ name, low, high, start, label, unit }) {
  const output = make("output", {});
  const input = make("input", { type: "range", id: name, min: low, max: high, step: "any", value: start });
  input.value = start;
  const tell = () => { output.textContent = `${Math.round(Number(input.value) * 100) / 100}`; };
  const words = make("label", {}, label, " ", make("span", { className: "soft small", textContent: unit }));
  words.htmlFor = name;
  input.addEventListener("input", () => { tell(); shift(); });
  input.addEventListener("reset", tell);
  tell();
  $("sliders").append(make("div", { className: "slider" }, make("div", { className: "row" }, words, output), input));
}

function reset() {
  for (const { name, start } of page.sliders) {
    $(name).value = start;
    $(name).dispatchEvent(new Event("reset"));
  }
  clearTimeout(timer);
  asking?.abort();
  after = picture.answers;
  $("after").src = $("before").src;
  say("");
  show();
}

page.sliders.forEach(addSlider);
page.examples.forEach(({ title, detail }, number) => {
  const image = make("img", { src: `/api/examples/${number}.jpg`, alt: "" });
  const button = make("button", { className: "thumb", type: "button" }, image,
    make("span", {}, make("b", { textContent: title }), detail));
  button.addEventListener("click", () => takeExample(number));
  $("examples").append(button);
});
$("examples-title").hidden = !page.examples.length;
$("limits").textContent = `up to ${page.megabytes} MB and 40 million pixels`;
$("abstain").value = page.abstain;
$("abstain").addEventListener("input", show);
$("reset").addEventListener("click", reset);
$("another").addEventListener("click", () => {
  if (picture) ask(`/api/pictures/${picture.id}`, { method: "DELETE" }).catch(() => {});
  begin();
});
takeFiles($("drop"), upload);
setInterval(() => { if (picture && !document.hidden) ask(`/api/pictures/${picture.id}`).catch(() => {}); }, 60_000);
if (page.report) {
  $("report").hidden = false;
  $("report-frame").src = "/report";
}
show();
const known = new URLSearchParams(location.hash.slice(1)).get("picture");
if (known) {
  try {
    open(await askJson(`/api/pictures/${encodeURIComponent(known)}`));
  } catch (error) {
    begin();
    say(error.message);
  }
} else begin();
