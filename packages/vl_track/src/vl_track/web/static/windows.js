// Square windows of a frame, as vl_track/data/geometry.py and data/video.py cut them.
// Boxes are [x, y, width, height], windows are [left, top, side], all in pixels.

/** Python's round: halves go to the even number. */
export function roundHalfEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

export function windowAround([x, y, width, height], factor, least) {
  const side = Math.max(least, Math.ceil(Math.sqrt(Math.max(width, 0) * Math.max(height, 0)) * factor));
  return [roundHalfEven(x + width / 2 - side / 2), roundHalfEven(y + height / 2 - side / 2), side];
}

/** The same window, not moved to whole pixels; some models map boxes back from it. */
export const aroundExactly = ([x, y, width, height], side) => [x + width / 2 - side / 2, y + height / 2 - side / 2, side];

export function windowOfFrame(width, height) {
  const side = Math.max(width, height);
  return [-Math.floor((side - width) / 2), -Math.floor((side - height) / 2), side];
}

export const intoWindow = ([x, y, width, height], [left, top, side]) =>
  [(x - left) / side, (y - top) / side, width / side, height / side];

export function outOfWindow([cx, cy, width, height], [left, top, side]) {
  return [left + (cx - width / 2) * side, top + (cy - height / 2) * side, width * side, height * side];
}

/** Keep at least `margin` pixels of a box in the frame, and its sides at least `least` long. */
export function clipBox([x, y, w, h], width, height, margin, least) {
  const x0 = Math.min(Math.max(0, x), width - margin), x1 = Math.min(Math.max(margin, x + w), width);
  const y0 = Math.min(Math.max(0, y), height - margin), y1 = Math.min(Math.max(margin, y + h), height);
  return [x0, y0, Math.max(least, x1 - x0), Math.max(least, y1 - y0)];
}

export function cutToFrame([x, y, w, h], width, height) {
  const x0 = Math.max(x, 0), y0 = Math.max(y, 0);
  return [x0, y0, Math.min(x + w, width) - x0, Math.min(y + h, height) - y0];
}

/** Between which two pixels of a window each pixel of its crop lies, and how far. */
function places(side, size) {
  return Array.from({ length: size }, (_, number) => {
    const exact = Math.min(Math.max((number + 0.5) * side / size - 0.5, 0), side - 1);
    const low = Math.min(Math.floor(exact), Math.max(side - 2, 0));
    return [low, Math.min(low + 1, side - 1), exact - low];
  });
}

/**
 * A window as the network takes it: uint8, three planes of size x size, bilinear, black outside.
 * @param frame ImageData
 */
export function crop(frame, [left, top, side], size) {
  left = roundHalfEven(left); top = roundHalfEven(top); side = Math.max(1, roundHalfEven(side));
  const { data, width, height } = frame;
  const found = new Uint8Array(3 * size * size), plane = size * size;
  const spots = places(side, size);
  const at = (row, column, channel) =>
    (row >= 0 && row < height && column >= 0 && column < width ? data[4 * (row * width + column) + channel] : 0);
  for (let row = 0; row < size; row++) {
    const [up, down, low] = spots[row];
    for (let column = 0; column < size; column++) {
      const [before, after, far] = spots[column];
      for (let channel = 0; channel < 3; channel++) {
        const above = at(top + up, left + before, channel) * (1 - far) + at(top + up, left + after, channel) * far;
        const below = at(top + down, left + before, channel) * (1 - far) + at(top + down, left + after, channel) * far;
        found[channel * plane + row * size + column] = Math.round(above * (1 - low) + below * low);
      }
    }
  }
  return found;
}
