// Frames of a video file, one after the other, and of a camera as they come.

const TRIAL_RATE = 0.25, TRIAL_FRAMES = 10, TRIAL_MS = 4000, SETTLE_MS = 400;

const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const wait = (ms) => new Promise((resolve) => setTimeout(() => resolve(null), ms));

/** Resolves to the time of the next frame that the browser shows, in seconds of the video. */
const nextShown = (video) => new Promise((resolve) => video.requestVideoFrameCallback((_, facts) => resolve(facts.mediaTime)));

/**
 * Width and height of the pixels that are stored, upright. A video whose pixels are not square is
 * shown wider or narrower than that, and vl-track counts stored pixels.
 */
function storedSize(video) {
  const shown = [video.videoWidth, video.videoHeight];
  if (!globalThis.VideoFrame) return shown;
  const frame = new VideoFrame(video);
  const { width, height } = frame.visibleRect;
  frame.close();
  // The frame may lie on its side: it is turned if that comes nearer to the shape that is shown.
  const shape = Math.log(shown[0] / shown[1]), own = Math.log(width / height);
  return Math.abs(shape - own) <= Math.abs(shape + own) ? [width, height] : [height, width];
}

/** A picture of what a video shows. */
export class Grabber {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.brush = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  /** Take the size of another video. */
  fit(video) {
    const [width, height] = storedSize(video);
    Object.assign(this.canvas, { width, height });
  }

  /** Copy the frame shown; returns ImageData. The canvas keeps it too. */
  take(video) {
    const { width, height } = this.canvas;
    this.brush.drawImage(video, 0, 0, width, height);
    return this.brush.getImageData(0, 0, width, height);
  }
}

/** Open a file in a video element; refuses with a sentence. */
export async function openFile(video, file) {
  video.srcObject = null;
  video.src = URL.createObjectURL(file);
  const failed = event(video, "error").then(() => {
    throw new Error(`This browser cannot play ${file.name}: convert it to MP4 (H.264) or WebM.`);
  });
  await Promise.race([event(video, "loadeddata"), failed]);
  if (!video.videoWidth) throw new Error(`${file.name} has no picture.`);
  if (!video.requestVideoFrameCallback) {
    throw new Error("This browser does not tell which frame it shows: use a newer Chrome, Edge, Safari or Firefox.");
  }
}

/** Open a camera in a video element. */
export async function openCamera(video) {
  if (!navigator.mediaDevices) throw new Error("This browser gives a page from a file no camera: choose a video.");
  video.removeAttribute("src");
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  await video.play();
}

/** Steps through a file by seeking, because playing would leave frames out. */
export class Stepper {
  constructor(video) {
    this.video = video;
    this.interval = null;
  }

  /** Go to a time and resolve to the time of the frame shown there. */
  async seek(seconds) {
    const { video } = this;
    while (document.hidden) await event(document, "visibilitychange");
    const shown = nextShown(video);
    const done = event(video, "seeked");
    video.currentTime = Math.min(Math.max(seconds, 0), video.duration || 0);
    await done;
    // A browser that shows the same frame again need not say so.
    const time = await Promise.race([shown, wait(SETTLE_MS)]);
    if (time !== null) this.shown = time;
    return this.shown;
  }

  /** Measure the least time between two frames by playing a little, slowly. */
  async measure() {
    const { video } = this;
    const begun = video.currentTime, times = [];
    const latest = performance.now() + TRIAL_MS;
    Object.assign(video, { muted: true, playbackRate: TRIAL_RATE });
    await video.play();
    while (times.length < TRIAL_FRAMES && !video.ended && performance.now() < latest) {
      const time = await Promise.race([nextShown(video), wait(SETTLE_MS)]);
      if (time !== null) times.push(time);
    }
    video.pause();
    const gaps = times.slice(1).map((time, number) => time - times[number]).filter((gap) => gap > 1e-4);
    this.interval = gaps.length ? Math.min(...gaps) : 1 / 30;
    return this.seek(begun);
  }

  /** Go to the frame that is `count` frames after the one shown; null at the end. */
  async next(count) {
    const before = this.shown;
    let goal = before + (count + 0.5) * this.interval;
    while (goal < this.video.duration + this.interval) {
      const time = await this.seek(goal);
      if (time > before + 1e-6) return time;
      goal += this.interval;    // frames of a varying rate may be farther apart
    }
    return null;
  }
}

/** The next frame of a camera. */
export const nextOfCamera = (video) => nextShown(video);
