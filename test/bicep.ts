import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Language, type Node, Parser } from 'web-tree-sitter'

/** What of a template can be known without Bicep's compiler: that it is grammatical, and which names stand in it. */
export interface Template {
  /** Where the grammar ends, as `line:column`. Types, properties and API versions are not looked at. */
  readonly faults: readonly string[]
  /** Each parameter, and whether it has a default. */
  readonly parameters: ReadonlyMap<string, boolean>
  /** Keys of `properties` in the resource of that symbolic name. */
  properties(resource: string): string[]
  /** Elements of an array of literals. */
  array(variable: string): string[]
}

export async function readTemplate(path: string): Promise<Template> {
  return parseTemplate(await readFile(path, 'utf8'))
}

export async function parseTemplate(source: string): Promise<Template> {
  await Parser.init()
  const wasm = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
  const parser = new Parser().setLanguage(await Language.load(wasm))
  const tree = parser.parse(source)
  if (!tree) throw new Error('the template was not parsed')
  const root = tree.rootNode
  const declared = (type: string) => root.descendantsOfType(type).filter((node) => node !== null)
  const named = (type: string, name: string): Node => {
    const found = declared(type).find((node) => node.namedChild(0)?.text === name)
    if (!found) throw new Error(`the template declares no ${name}`)
    return found
  }
  return {
    faults: faultsBelow(root),
    parameters: new Map(
      declared('parameter_declaration').map((node) => [node.namedChild(0)?.text ?? '', node.namedChildCount > 2]),
    ),
    properties(resource) {
      const body = named('resource_declaration', resource).namedChildren.find((node) => node?.type === 'object')
      return keysOf(valueAt(body, 'properties'))
    },
    array(variable) {
      const literal = named('variable_declaration', variable).namedChild(1)
      return (literal?.namedChildren ?? []).map((node) => node?.text.slice(1, -1) ?? '')
    },
  }
}

function faultsBelow(node: Node): string[] {
  const here = node.isError || node.isMissing
  if (here) return [`${node.startPosition.row + 1}:${node.startPosition.column + 1}`]
  return node.hasError ? node.children.flatMap((child) => (child ? faultsBelow(child) : [])) : []
}

const propertiesOf = (object: Node | null | undefined): Node[] =>
  (object?.namedChildren ?? []).filter((node): node is Node => node?.type === 'object_property')
const keysOf = (object: Node | null | undefined): string[] =>
  propertiesOf(object).map((property) => property.namedChild(0)?.text ?? '')
const valueAt = (object: Node | null | undefined, key: string): Node | null | undefined =>
  propertiesOf(object)
    .find((property) => property.namedChild(0)?.text === key)
    ?.namedChild(1)
