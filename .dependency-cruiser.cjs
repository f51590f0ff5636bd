/**
 * The arrows of the house: data goes one way. `npm test` fails on an import against them, or on a cycle.
 *
 *   cli → main → everything
 *   http → pipeline → rules | plan | events | catalog | store
 *   http → waiting → rules | catalog | store
 *   worker → dispatch → render | channels | rules | events | catalog | store
 *   these → privacy → model, errors, iso-time, profile, nearest
 *   cli → simulate → rules | events | catalog: the same decisions in a virtual clock, without a database
 */
/** What every room may use. */
const LEAVES = ['model\\.ts$', 'errors\\.ts$', 'iso-time\\.ts$', 'profile\\.ts$', 'nearest\\.ts$'];

const only = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}` },
  to: { path: '^src/', pathNot: `^src/(${to.join('|')})` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('model-imports-nothing', 'model\\.ts$', ['model\\.ts$']),
    only('iso-time-imports-model', 'iso-time\\.ts$', ['model\\.ts$']),
    only('profile-imports-model', 'profile\\.ts$', ['model\\.ts$']),
    only('nearest-imports-nothing', 'nearest\\.ts$', ['nearest\\.ts$']),
    // The console has it, too.
    only('trial-imports-model', 'trial\\.ts$', ['model\\.ts$']),
    only('errors-import-model', 'errors\\.ts$', ['model\\.ts$']),
    only('rules-are-pure', 'rules/', ['rules/', ...LEAVES]),
    only('plan-is-pure', 'plan/', ['plan/', ...LEAVES]),
    only('render-is-pure', 'render/', ['render/', ...LEAVES]),
    only('privacy-stands-alone', 'privacy/', ['privacy/', ...LEAVES]),
    only('events-are-read', 'events/', ['events/', 'privacy/', ...LEAVES]),
    only('channels-carry', 'channels/', ['channels/', 'privacy/mask\\.ts$', ...LEAVES]),
    // The store speaks the types of what it keeps, and hands the rules their facts.
    only('store-keeps', 'store/', [
      'store/',
      'rules/(facts|changes|verdicts|calendar)\\.ts$',
      'events/',
      'privacy/',
      '(root|secret-file)\\.ts$',
      ...LEAVES,
    ]),
    only('catalog-compiles', 'catalog/', ['catalog/', 'rules/', 'render/', 'store/', ...LEAVES]),
    only('simulate-plays', 'simulate/', ['simulate/', 'rules/', 'events/', 'catalog/', ...LEAVES]),
    only('pipeline-joins', '(pipeline|gather|assembly|answers|lanes)\\.ts$', [
      'gather\\.ts$',
      'answers\\.ts$',
      'assembly\\.ts$',
      'pipeline\\.ts$',
      'lanes\\.ts$',
      'ids\\.ts$',
      'rules/',
      'plan/',
      'events/',
      'privacy/',
      'catalog/',
      'store/',
      ...LEAVES,
    ]),
    only('dispatch-sends', 'dispatch\\.ts$', [
      'rules/rule-set\\.ts$',
      'render/',
      'events/',
      'privacy/',
      'channels/provider\\.ts$',
      'catalog/',
      'store/',
      ...LEAVES,
    ]),
    only('waiting-ends', 'waiting\\.ts$', ['rules/', 'catalog/', 'store/', ...LEAVES]),
    only('worker-delivers', 'worker/', ['worker/', 'dispatch\\.ts$', 'channels/provider\\.ts$', 'store/', ...LEAVES]),
    only('http-answers', 'http/', [
      'http/',
      '(pipeline|answers|waiting)\\.ts$',
      'catalog/',
      'rules/(explain|rule-set)\\.ts$',
      'store/',
      'privacy/seal\\.ts$',
      ...LEAVES,
    ]),
    {
      name: 'pure-stages-do-no-io',
      severity: 'error',
      from: { path: '^src/(rules|plan|render)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'nothing-imports-the-command-line',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
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
