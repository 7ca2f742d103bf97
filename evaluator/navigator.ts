/** A detection, as far as its coverage goes. */
export interface Covering {
  readonly slug: string
  /** Those of the form `technique:T1110.004` name techniques; text may follow: `technique:T1110-brute-force`. */
  readonly tags: readonly string[]
}

interface Technique {
  readonly techniqueID: string
  readonly showSubtechniques: boolean
  /** How many detections name it. */
  readonly score?: number
  readonly comment?: string
}

/** @see https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md */
export interface NavigatorLayer {
  readonly name: string
  readonly description: string
  readonly domain: 'enterprise-attack'
  /** Without a version of ATT&CK, which means the current one. */
  readonly versions: { readonly layer: '4.5'; readonly navigator: '4.9.0' }
  readonly techniques: readonly Technique[]
  readonly gradient: { readonly colors: readonly string[]; readonly minValue: 0; readonly maxValue: number }
}

const TECHNIQUE_TAG = /^technique:(T\d{4}(?:\.\d{3})?)(?![.\d])/i

/** A layer of MITRE's ATT&CK Navigator: each technique that detections name, with their number and names. */
export function navigatorLayer(name: string, detections: readonly Covering[]): NavigatorLayer {
  const slugs = new Map<string, string[]>()
  for (const { slug, tags } of detections) {
    for (const technique of new Set(tags.flatMap(techniqueOf))) {
      slugs.set(technique, [...(slugs.get(technique) ?? []), slug])
    }
  }
  // A sub-technique is drawn only below a technique that is open.
  const ids = new Set([...slugs.keys()].flatMap((id) => [id, parentOf(id)]))
  const counts = [...slugs.values()].map(({ length }) => length)
  const silent = detections.filter(({ tags }) => tags.flatMap(techniqueOf).length === 0).length
  return {
    name,
    description: `${detections.length} detections, ${silent} of which name no technique`,
    domain: 'enterprise-attack',
    versions: { layer: '4.5', navigator: '4.9.0' },
    techniques: [...ids].sort().map((id) => techniqueEntry(id, slugs.get(id) ?? [], ids)),
    gradient: { colors: ['#dbeafe', '#1d4ed8'], minValue: 0, maxValue: Math.max(1, ...counts) },
  }
}

const techniqueOf = (tag: string): string[] => {
  const [, id] = TECHNIQUE_TAG.exec(tag) ?? []
  return id === undefined ? [] : [id.toUpperCase()]
}

const parentOf = (id: string): string => id.split('.')[0] ?? id

function techniqueEntry(techniqueID: string, slugs: readonly string[], ids: ReadonlySet<string>): Technique {
  const showSubtechniques = [...ids].some((id) => id !== techniqueID && parentOf(id) === techniqueID)
  if (slugs.length === 0) return { techniqueID, showSubtechniques }
  return { techniqueID, showSubtechniques, score: slugs.length, comment: [...slugs].sort().join(', ') }
}
