// Deep Zoom descriptors, by which a large photograph is shown in tiles.

/**
 * A descriptor as OpenSeadragon takes it.
 *
 * @param {string} text XML of the descriptor; @param {string} address where it came from
 * @returns {?object} null where it is no descriptor
 */
export function parsePyramid(text, address) {
  const image = new DOMParser().parseFromString(text, "application/xml").documentElement;
  const size = image?.querySelector("Size");
  if (!size) return null;
  return {
    Image: {
      xmlns: image.namespaceURI,
      Url: image.getAttribute("Url") ?? address.replace(/\.dzi(\?.*)?$/, "_files/"),
      Format: image.getAttribute("Format"),
      Overlap: image.getAttribute("Overlap"),
      TileSize: image.getAttribute("TileSize"),
      Size: { Width: size.getAttribute("Width"), Height: size.getAttribute("Height") },
    },
  };
}

/** Fetches a descriptor; null where there is none (yet), so that the picture itself is shown. */
export async function pyramid(address) {
  const answer = await fetch(address, { headers: { Accept: "application/xml" } }).catch(() => null);
  return answer?.ok ? parsePyramid(await answer.text(), address) : null;
}
