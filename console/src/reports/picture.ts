// The picture of a flow comes from our own server. It is taken in as parts we know, or not at all.

const SVG = 'http://www.w3.org/2000/svg'
const KNOWN = new Set(['svg', 'title', 'desc', 'defs', 'g', 'path', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon', 'text', 'tspan', 'marker'])

/** Null for what is no SVG, or holds anything that could do more than be looked at. Its own style gives way to the page's. */
export function safeSvg(text: string): SVGSVGElement | null {
  const root = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement
  for (const style of root.querySelectorAll('style')) style.remove()
  const all = [root, ...root.querySelectorAll('*')]
  return root.localName === 'svg' && all.every(isHarmless) ? (document.importNode(root, true) as unknown as SVGSVGElement) : null
}

function isHarmless(element: Element): boolean {
  return element.namespaceURI === SVG && KNOWN.has(element.localName) && [...element.attributes].every(isPlain)
}

function isPlain({ localName, value }: Attr): boolean {
  return !/^on/i.test(localName) && !['style', 'href', 'src'].includes(localName) && !/url\(\s*['"]?\s*(?!#)/i.test(value)
}
