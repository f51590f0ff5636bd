/**
 * Rooms and the arrows between them. A room is a folder of src/ (or a single file) and may import itself and the rooms
 * named on its line; every name stands further up in the table, so arrows point one way. docs/design.md shows the same
 * table with what each room holds; test/structure.test.ts compares the two.
 *
 * A room marked `pure` performs no I/O and reads no clock: it may not import a Node.js core module.
 */
const ROOMS = [
  { room: 'model' },
  { room: 'errors.ts', imports: ['model'] },
  { room: 'lib', imports: ['model'] },
  { room: 'time', pure: true, imports: ['model'] },
  { room: 'expressions', pure: true, imports: ['model', 'lib', 'time'] },
  { room: 'privacy', imports: ['model'] },
  { room: 'events', imports: ['model', 'errors.ts', 'time', 'privacy'] },
  { room: 'users', imports: ['model', 'privacy', 'events'] },
  { room: 'rules', pure: true, imports: ['model', 'lib', 'time', 'expressions', 'events', 'users'] },
  { room: 'plan', pure: true, imports: ['model'] },
  { room: 'templates', pure: true, imports: ['model', 'lib'] },
  { room: 'store/pg', imports: ['model', 'errors.ts', 'lib', 'time'] },
  { room: 'store', imports: ['model', 'errors.ts', 'time', 'privacy', 'events', 'users', 'rules', 'store/pg'] },
  { room: 'catalog', imports: ['model', 'errors.ts', 'lib', 'time', 'expressions', 'rules', 'templates', 'store'] },
  { room: 'explain', imports: ['model', 'errors.ts', 'time', 'privacy', 'rules', 'store', 'catalog'] },
  {
    room: 'ingest',
    imports: [
      'model',
      'errors.ts',
      'lib',
      'time',
      'privacy',
      'events',
      'users',
      'rules',
      'plan',
      'store',
      'store/pg',
      'catalog',
    ],
  },
  { room: 'channels', imports: ['model', 'errors.ts', 'privacy'] },
  {
    room: 'delivery',
    imports: [
      'model',
      'lib',
      'time',
      'privacy',
      'users',
      'rules',
      'templates',
      'store',
      'store/pg',
      'catalog',
      'channels',
    ],
  },
  { room: 'timers', imports: ['model', 'errors.ts', 'lib', 'time', 'rules', 'store', 'store/pg', 'catalog', 'ingest'] },
  { room: 'simulate', imports: ['model', 'errors.ts', 'lib', 'time', 'events', 'users', 'rules', 'store', 'catalog'] },
  { room: 'embedded', imports: ['model', 'errors.ts', 'lib'] },
  { room: 'config.ts', imports: ['model', 'errors.ts', 'lib', 'time'] },
  {
    room: 'http',
    imports: [
      'model',
      'errors.ts',
      'time',
      'privacy',
      'rules',
      'store',
      'store/pg',
      'catalog',
      'explain',
      'ingest',
      'timers',
    ],
  },
  {
    room: 'main.ts',
    imports: [
      'model',
      'errors.ts',
      'lib',
      'time',
      'privacy',
      'store',
      'store/pg',
      'catalog',
      'ingest',
      'channels',
      'delivery',
      'timers',
      'embedded',
      'config.ts',
      'http',
    ],
  },
  {
    room: 'cli',
    imports: [
      'model',
      'errors.ts',
      'lib',
      'time',
      'privacy',
      'events',
      'rules',
      'store',
      'store/pg',
      'catalog',
      'simulate',
      'embedded',
      'config.ts',
      'main.ts',
    ],
  },
];

/** A pattern for the files of a room; `store` does not include `store/pg`. */
function filesOf(room) {
  if (room.endsWith('.ts')) return `${room.replace('.', '\\.')}$`;
  return room === 'store' ? 'store/(?!pg/)' : `${room}/`;
}

const arrows = ROOMS.map(({ room, imports = [] }) => ({
  name: `${room}-imports-only-its-rooms`,
  severity: 'error',
  from: { path: `^src/${filesOf(room)}` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...imports].map(filesOf).join('|')})` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...arrows,
    {
      name: 'every-file-has-a-room',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: `^src/(${ROOMS.map(({ room }) => filesOf(room)).join('|')})` },
    },
    {
      name: 'pure-rooms-perform-no-io',
      severity: 'error',
      from: {
        path: `^src/(${ROOMS.filter(({ pure }) => pure)
          .map(({ room }) => filesOf(room))
          .join('|')})`,
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      // Ingest, simulator and backtest decide by the same functions: see src/rules/decide-in-order.ts.
      name: 'one-way-to-decide',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/rules/decide-in-order\\.ts$' },
      to: { path: '^src/rules/decide\\.ts$' },
    },
    {
      name: 'source-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
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
Object.defineProperty(module.exports, 'ROOMS', { value: ROOMS });
