/**
 * Builds the elements and the client into dist/: scripts for pages of any site, each complete in itself, and the page that shows them.
 * With esbuild, which Tidings needs anyway.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';

const HERE = import.meta.dirname;
/** The first versions with `light-dark()` and popovers. */
const TARGET = ['chrome123', 'edge123', 'firefox125', 'safari17.5'];

/** Minifies style sheets, which are texts of the source. */
const smallStyles = {
  name: 'small-styles',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]styles\.ts$/ }, async ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const made = new Map();
      for (const [all, css] of source.matchAll(/sheet\(`([^`]*)`\)/g)) {
        const { code } = await transform(css, { loader: 'css', minify: true, target: TARGET });
        made.set(all, `sheet(${JSON.stringify(code.trim())})`);
      }
      return { loader: 'ts', contents: source.replace(/sheet\(`[^`]*`\)/g, (all) => made.get(all)) };
    });
  },
};

/** Leaves the keys out of the other languages: they are in the order of English. */
const smallTexts = {
  name: 'small-texts',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]strings[\\/]\w+[\\/](?:de|es|pt)\.ts$/ }, async ({ path }) => {
      const [own, english] = await Promise.all([path, join(dirname(path), 'en.ts')].map(readTexts));
      const name = basename(path, '.ts').toUpperCase();
      const texts = Object.keys(english).map((key) => own[key]);
      return {
        loader: 'js',
        contents: `import { EN } from './en.ts';
const texts = ${JSON.stringify(texts.join('|'))}.split('|');
export const ${name} = /* @__PURE__ */ Object.fromEntries(Object.keys(EN).map((key, index) => [key, texts[index]]));`,
      };
    });
  },
};

async function readTexts(path) {
  const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts' });
  return Object.values(await import(`data:text/javascript,${encodeURIComponent(code)}`))[0];
}

/** Throws an error that names the file and line of what cannot be built. */
export async function buildElements() {
  const folder = join(HERE, 'dist');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: {
      tidings: join(HERE, 'src/elements/all.ts'),
      inbox: join(HERE, 'src/elements/with-inbox.ts'),
      preferences: join(HERE, 'src/elements/with-preferences.ts'),
      client: join(HERE, 'src/client/inbox-client.ts'),
      react: join(HERE, 'src/wrappers/react.ts'),
      vue: join(HERE, 'src/wrappers/vue.ts'),
      demo: join(HERE, 'demo/demo.ts'),
    },
    outdir: folder,
    absWorkingDir: HERE,
    bundle: true,
    external: ['react', 'vue'],
    minify: true,
    write: false,
    format: 'esm',
    charset: 'utf8',
    target: TARGET,
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [smallStyles, smallTexts],
  });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  for (const file of ['demo.html', 'demo.css']) copyFileSync(join(HERE, 'demo', file), join(folder, file));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildElements();
