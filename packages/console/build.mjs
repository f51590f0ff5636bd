/**
 * Builds the console into dist/: a page, its script and style sheet, and a script for each page of the console, whose names
 * change with their content. With esbuild, which Tidings needs anyway; Vite serves the console while you work on it
 * (`npm run dev -w packages/console`).
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, parse } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const HERE = import.meta.dirname;
/** The first versions with `light-dark()`, which the style sheet uses, and with popovers. */
const TARGET = ['chrome123', 'edge123', 'firefox125', 'safari17.5'];
const ENTRY = 'src/main.tsx';
/** Loaded by the entry when it knows the texts of the language. */
const APP = 'src/shell/App.tsx';
const SOURCE_TAG = '<script type="module" src="/src/main.tsx"></script>';

/**
 * Names of libraries with an index are imported from their own files: else each part that one page uses would be in the script that all
 * pages share. Returns the file of each name of the index.
 */
function readIndex(library, index) {
  const folder = dirname(fileURLToPath(import.meta.resolve(library)));
  const text = readFileSync(join(folder, index), 'utf8');
  return new Map(
    [...text.matchAll(/^import \{([^}]*)\} from "([^"]+)";$/gm)].flatMap(([, names, file]) =>
      names.split(',').map((name) => [name.trim(), join(folder, file)]),
    ),
  );
}

const directImports = {
  name: 'direct-imports',
  setup({ onLoad }) {
    const indexes = new Map(['@mantine/core', '@mantine/hooks'].map((name) => [name, readIndex(name, 'index.mjs')]));
    const imports = /^import \{([^}]*)\} from ['"](@mantine\/(?:core|hooks))['"];$/gm;
    // Files of the console, and the components of Mantine, which use its hooks.
    onLoad({ filter: /[\\/](console[\\/]src|@mantine[\\/]core[\\/]esm)[\\/].*\.(tsx?|mjs)$/ }, ({ path }) => ({
      loader: path.endsWith('.mjs') ? 'js' : 'tsx',
      contents: readFileSync(path, 'utf8').replace(imports, (all, names, library) => {
        const files = indexes.get(library);
        const wanted = names.split(',').map((name) => name.trim());
        const values = wanted.filter((name) => name !== '' && !name.startsWith('type '));
        const toFile = (name) => files.get(name.split(' as ')[0]);
        // A name that the index does not list comes through it.
        if (!values.every(toFile)) return all;
        // With as many lines, so that errors name those of the source.
        const breaks = '\n'.repeat(all.split('\n').length - 1);
        return values.map((name) => `import { ${name} } from ${JSON.stringify(toFile(name))};`).join(' ') + breaks;
      }),
    }));
  },
};

/**
 * Leaves out of the library of ICU messages what texts do not use: skeletons of numbers and dates, with the hours of each region. That
 * is a third of it.
 */
const plainMessages = {
  name: 'plain-messages',
  setup({ onLoad }) {
    const names = ['parseDateTimeSkeleton', 'parseNumberSkeleton', 'parseNumberSkeletonFromString'];
    onLoad({ filter: /icu-skeleton-parser[\\/]index\.js$/ }, () => ({
      contents: `const fail = () => { throw new Error('Texts have no skeletons'); };
export { ${names.map((name) => `fail as ${name}`).join(', ')} };`,
    }));
    onLoad({ filter: /icu-messageformat-parser[\\/]index\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^const timeData = \{.*?^\};/ms, 'const timeData = {};'),
    }));
  },
};

/** Leaves out of tables what scrolls them by a bar of its own: no page uses it, and it brings 13 KB that place floating elements. */
const plainTables = {
  name: 'plain-tables',
  setup({ onLoad }) {
    onLoad({ filter: /Table[\\/]TableScrollContainer\.mjs$/ }, () => ({
      contents: 'export const TableScrollContainer = undefined;',
    }));
  },
};

/** Gives each file of icons paths of its own: of one file with all paths, those of every page would be on the first. */
const iconsByFile = {
  name: 'icons-by-file',
  setup({ onResolve }) {
    const path = fileURLToPath(import.meta.resolve('@mdi/js/mdi.js'));
    onResolve({ filter: /^@mdi\/js$/ }, ({ importer }) => ({
      path,
      suffix: `?${basename(importer)}`,
      sideEffects: false,
    }));
  },
};

/** Gives the address of a file that is imported with `?url`, as Vite does. Adds the file to `assets`, by its name. */
const addresses = (assets) => ({
  name: 'addresses',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?url$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.slice(0, -'?url'.length)),
      namespace: 'url',
    }));
    onLoad({ filter: /.*/, namespace: 'url' }, ({ path }) => {
      const contents = readFileSync(path);
      const { name, ext } = parse(path);
      const asset = `${name}-${createHash('sha256').update(contents).digest('hex').slice(0, 8)}${ext}`;
      assets.set(asset, contents);
      return { contents: `export default ${JSON.stringify(addressOf(asset))}`, loader: 'js' };
    });
  },
});

const addressOf = (path) => `/assets/${basename(path)}`;

/** Throws an error that names the file and line of what cannot be built. */
export async function buildConsole() {
  const folder = join(HERE, 'dist');
  rmSync(folder, { recursive: true, force: true });
  const assets = new Map();
  const { outputFiles, metafile } = await build({
    entryPoints: [join(HERE, ENTRY)],
    entryNames: 'assets/index-[hash]',
    chunkNames: 'assets/[name]-[hash]',
    splitting: true,
    metafile: true,
    assetNames: 'assets/[name]-[hash]',
    outdir: folder,
    absWorkingDir: HERE,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: TARGET,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [plainMessages, plainTables, iconsByFile, directImports, addresses(assets)],
  });
  const page = readFileSync(join(HERE, 'index.html'), 'utf8');
  if (!page.includes(SOURCE_TAG)) throw new Error(`index.html does not contain ${SOURCE_TAG}`);
  mkdirSync(join(folder, 'assets'), { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  for (const [name, contents] of assets) writeFileSync(join(folder, 'assets', name), contents);
  const findOutput = (source) => Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === source);
  const [entry, { cssBundle, imports }] = findOutput(ENTRY);
  const [app, { imports: importsOfApp }] = findOutput(APP);
  // Scripts that the first one needs are fetched beside it, not after it.
  const needed = [...imports, ...importsOfApp]
    .filter(({ kind }) => kind === 'import-statement')
    .map(({ path }) => path);
  const tags = [
    `<link rel="stylesheet" href="${addressOf(cssBundle)}" />`,
    ...[...new Set([app, ...needed])].map((path) => `<link rel="modulepreload" href="${addressOf(path)}" />`),
    `<script type="module" src="${addressOf(entry)}"></script>`,
  ];
  // In the head: the style sheet must come before the styles of the theme, which Mantine adds to the body.
  const head = `${tags.map((tag) => `  ${tag}\n  `).join('')}</head>`;
  writeFileSync(join(folder, 'index.html'), page.replace(SOURCE_TAG, '').replace('</head>', head));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildConsole();
