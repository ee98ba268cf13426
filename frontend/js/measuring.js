// Lengths on a photograph. Places are shares of its width and height, sizes its pixels.

const ROUND = [1, 2, 5];

/** Length of a line in pixels of the photograph. */
export function pixelsOf({ from, to }, { x: width, y: height }) {
  return Math.hypot((to.x - from.x) * width, (to.y - from.y) * height);
}

/**
 * The longest scale bar of a round length: 1, 2 or 5 times a power of ten.
 *
 * @param {number} micronsPerPixel of the photograph
 * @param {number} pixel CSS pixels that one pixel of the photograph takes on the screen
 * @param {number} most CSS pixels that the bar may take
 * @returns {{microns: number, length: number}} what it measures, and its length in CSS pixels
 */
export function scaleBar(micronsPerPixel, pixel, most) {
  const longest = (most / pixel) * micronsPerPixel;
  const power = 10 ** Math.floor(Math.log10(longest));
  const microns = ROUND.findLast((factor) => factor * power <= longest) * power;
  return { microns, length: (microns / micronsPerPixel) * pixel };
}
