/**
 * Rooms and the arrows between them. A room is a folder of src/ or a single file. It may import itself and the rooms on its
 * line, all of which stand further up, so that arrows point one way. docs/design.md shows the same table with what each
 * room holds; test/structure.test.ts compares the two.
 */
const ROOMS = {
  model: '',
  'errors.ts': 'model',
  lib: '',
  observe: 'model',
  time: 'model lib',
  privacy: 'model lib',
  expressions: 'model lib time privacy',
  events: 'model errors.ts lib time privacy',
  users: 'model time privacy events',
  templates: 'model lib time privacy',
  rules: 'model lib time privacy expressions events users templates',
  plan: 'model lib time',
  track: 'model',
  settings: 'model errors.ts lib time',
  'store/pg': 'model errors.ts lib time',
  store: 'model errors.ts lib time privacy events users rules store/pg',
  catalog: 'model errors.ts lib time events expressions rules templates store',
  authoring: 'model errors.ts lib time templates store store/pg catalog',
  explain: 'model errors.ts lib time privacy rules store catalog',
  ingest: 'model errors.ts lib observe time privacy events users rules plan store store/pg catalog',
  'http-out': '',
  channels: 'model errors.ts lib privacy settings http-out',
  delivery: 'model lib observe time privacy users rules plan templates track store store/pg catalog http-out channels',
  accounts: 'model errors.ts lib time privacy store store/pg http-out channels delivery',
  receipts: 'accounts model errors.ts lib privacy rules track time store store/pg catalog channels',
  tokens: 'model errors.ts lib time privacy store store/pg http-out',
  members: 'model errors.ts lib privacy store store/pg',
  tenants: 'model errors.ts lib time privacy store store/pg tokens members',
  outbox: 'model lib events store store/pg',
  timers: 'model errors.ts lib time privacy rules store store/pg catalog outbox',
  webhooks: 'model errors.ts lib time privacy store store/pg catalog channels delivery http-out',
  connectors: 'model errors.ts lib time privacy settings events expressions store store/pg catalog http-out',
  notify: 'model errors.ts lib time privacy events users plan templates store store/pg catalog ingest timers',
  forecast: 'model errors.ts time users events rules plan store store/pg catalog explain ingest timers notify',
  kafka: 'model errors.ts lib settings',
  sources: 'model errors.ts lib time privacy events kafka notify ingest store store/pg catalog',
  sinks: 'model errors.ts lib observe time privacy kafka store store/pg catalog',
  jobs: 'model errors.ts lib time privacy expressions events ingest delivery timers store store/pg catalog',
  simulate: 'model errors.ts lib time privacy events users rules plan store catalog',
  drafts: 'model errors.ts lib time privacy events simulate templates store store/pg catalog delivery',
  analytics: 'model errors.ts lib time store store/pg',
  releases: 'model errors.ts lib time store store/pg catalog analytics',
  embedded: 'model errors.ts lib',
  health: 'model time store store/pg delivery',
  telemetry: 'model errors.ts lib observe time privacy settings store store/pg health',
  'config.ts': 'model errors.ts lib time settings channels connectors kafka telemetry',
  http: 'analytics releases drafts model errors.ts lib observe time privacy events users rules plan notify forecast kafka sources store store/pg catalog authoring explain ingest delivery http-out accounts tokens members tenants webhooks timers connectors jobs health telemetry receipts',
  process:
    'analytics releases model errors.ts lib observe time privacy store store/pg catalog authoring ingest channels delivery http-out accounts tenants webhooks timers connectors notify sources sinks jobs embedded health telemetry config.ts http receipts',
  'main.ts':
    'model privacy store store/pg catalog ingest kafka members tenants health telemetry config.ts http process',
  cli: 'releases model errors.ts lib time privacy events rules templates store store/pg catalog http-out channels accounts members tenants ingest notify simulate embedded telemetry config.ts main.ts',
};

/** Rooms that perform no I/O and read no clock: they may not import a Node.js core module. */
const PURE = ['time', 'expressions', 'rules', 'plan', 'templates', 'track'];

/** Returns a pattern for the files of a room; `store` does not include `store/pg`. */
function filesOf(room) {
  if (room.endsWith('.ts')) return `${room.replace('.', '\\.')}$`;
  return room === 'store' ? 'store/(?!pg/)' : `${room}/`;
}

function pathOf(rooms) {
  return `^src/(${rooms.map(filesOf).join('|')})`;
}

const arrows = Object.entries(ROOMS).map(([room, imports]) => ({
  name: `${room}-imports-only-its-rooms`,
  severity: 'error',
  from: { path: pathOf([room]) },
  to: { path: '^src/', pathNot: pathOf([room, ...imports.split(' ').filter(Boolean)]) },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...arrows,
    {
      name: 'every-file-has-a-room',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: pathOf(Object.keys(ROOMS)) },
    },
    {
      name: 'pure-rooms-perform-no-io',
      severity: 'error',
      from: { path: pathOf(PURE) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'client-imports-nothing-else',
      severity: 'error',
      from: { path: '^packages/client/src/' },
      to: { pathNot: '^packages/client/src/' },
    },
    {
      name: 'elements-import-nothing-else',
      severity: 'error',
      from: { path: '^packages/inbox/src/', pathNot: '^packages/inbox/src/wrappers/' },
      to: { pathNot: '^packages/inbox/src/' },
    },
    {
      name: 'source-does-not-import-packages-for-development',
      comment: 'A first start installs `dependencies` alone.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm', 'type-only'] },
    },
    {
      name: 'source-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|demo)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.mjs'] },
  },
};

// Not enumerable: dependency-cruiser rejects properties that it does not know.
Object.defineProperties(module.exports, { ROOMS: { value: ROOMS }, PURE: { value: PURE } });
