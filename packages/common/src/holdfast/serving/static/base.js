// What both pages share: asking the server, showing its sentences, and taking a file.

export const $ = (id) => document.getElementById(id);

/** Ask the server; a refusal is an Error whose message is the server's sentence. */
export async function ask(path, { method = "GET", json, body, signal } = {}) {
  const options = { method, signal, headers: {} };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["content-type"] = "application/json";
  } else if (body !== undefined) {
    options.body = body;
    options.headers["content-type"] = "application/octet-stream";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The page's server does not answer: is it still running?");
  }
  if (!answer.ok) {
    const found = await answer.json().catch(() => ({}));
    const refused = new Error(found.error || "The server could not answer: try again.");
    refused.status = answer.status;
    throw refused;
  }
  return answer;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** Send a file and tell how much of it has gone; fetch cannot tell. */
export function send(path, file, onShare) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
    request.onerror = () => reject(new Error("The file could not be sent: is the page still running?"));
    request.onload = () => {
      let found = {};
      try { found = JSON.parse(request.responseText); } catch { /* no JSON: said below */ }
      if (request.status < 300) resolve(found);
      else reject(new Error(found.error || "The file was refused: try another one."));
    };
    request.send(file);
  });
}

/** Show a sentence until the next one, or until it is closed. */
export function say(sentence) {
  const place = $("message");
  place.hidden = !sentence;
  place.querySelector("span").textContent = sentence || "";
  if (sentence) place.scrollIntoView({ block: "nearest" });
}

/** Run something that may be refused; a refusal becomes a sentence on the page. */
export async function trying(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
    return undefined;
  }
}

/** Make an element. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Take files that are chosen in, or dropped on, a label with an input. */
export function takeFiles(label, onFile) {
  const input = label.querySelector("input");
  input.addEventListener("change", () => {
    if (input.files.length) onFile(input.files[0]);
    input.value = "";
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); label.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); label.classList.remove("over"); });
  }
  document.addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length) onFile(event.dataTransfer.files[0]);
  });
}

$("message")?.querySelector("button").addEventListener("click", () => say(""));
