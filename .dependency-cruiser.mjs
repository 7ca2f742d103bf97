// The borders of the rooms, checked by `npm run lint`: which room may import which. docs/architecture.md draws them.

/** Tests may look into any room, except those of the evaluator, which are part of its package. */
const TESTS = ['\\.test\\.ts$', '/testing/', 'testing\\.ts$', '/testing-']

/**
 * What stands with the ports that it belongs to; what the release runs; what the lab sets and
 * the attacks know; how functions and the lab ship lines of log.
 */
const NOT_REACHED = [
  '^shared/stores/(contract|memory)/',
  '^shared/stores/suspects.ts$',
  '^shared/stores/postgres/migrate',
  '^shared/lab.ts$',
  '^shared/(log-shipper|outbox).ts$',
]

/** What is deployed, and the evaluator, which is a package of its own. */
const PRODUCT = ['functions', 'web', 'shared']
const ROOMS = [...PRODUCT, 'attacks', 'detections', 'evaluator', 'proof', 'ops', 'lab', 'cli']

/** Room by room, the rooms that it may import beside itself. */
const MAY_IMPORT = {
  shared: [],
  functions: ['shared'],
  web: ['shared'],
  evaluator: [],
  attacks: ['shared'],
  detections: ['shared', 'evaluator'],
  proof: [...PRODUCT, 'attacks', 'detections', 'evaluator'],
  lab: ['shared', 'evaluator'],
  ops: ['shared', 'functions', 'detections', 'evaluator'],
  cli: ROOMS,
}

const inside = (rooms) => `^(${rooms.join('|')})/`

const borders = Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
  name: `${room} imports no other room than ${allowed.join(', ') || 'itself'}`,
  severity: 'error',
  from: { path: inside([room]), ...(room !== 'evaluator' && { pathNot: TESTS }) },
  to: { path: inside([...ROOMS, 'bench', 'test']), pathNot: inside([room, ...allowed]) },
}))

export default {
  forbidden: [
    ...borders,
    ...['web/server.ts', 'functions/index.ts'].map((entry) => ({
      name: `shared holds only what both hosts reach (${entry})`,
      severity: 'error',
      from: { path: `^${entry}$` },
      to: { path: '^shared/', pathNot: [...TESTS, ...NOT_REACHED], reachable: false },
    })),
    { name: 'no circle of files', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'the evaluator is used by what it exports',
      severity: 'error',
      from: { path: inside(ROOMS), pathNot: '^evaluator/' },
      to: {
        path: '^evaluator/',
        pathNot: '^evaluator/(index|query|(cli|intake|mutate|notify|replay|estate|siem|sql)/index)\\.ts$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(evaluator/)?dist/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    // The parser knows no TSX. What the console's page is made of is asserted over its bundle (lab/console/bundle.test.ts).
    extraExtensionsToScan: ['.tsx'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
}
