/**
 * Writes the typed wrappers for React and Vue from custom-elements.json (`npm run generate -w packages/inbox`). A test fails if they are
 * not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const HERE = import.meta.dirname;
const HEADER = '/* Generated from custom-elements.json by generate.mjs: change those. */\n\n';
/** Types of the client and the elements that the wrappers name. */
const CLIENT_TYPES = [
  'Action',
  'Counts',
  'Filter',
  'GetToken',
  'InboxClient',
  'InboxProblem',
  'Item',
  'ItemAction',
  'PreferenceChange',
];

const toCamel = (name) => name.replace(/-(\w)/g, (_all, letter) => letter.toUpperCase());
const toPascal = (name) => toCamel(`-${name}`);
const toShort = (event) => event.replace('tidings-', '');

function readElements() {
  const { modules } = JSON.parse(readFileSync(join(HERE, 'custom-elements.json'), 'utf8'));
  return modules.flatMap(({ declarations }) => declarations);
}

function listImports(text) {
  const client = CLIENT_TYPES.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  return [
    `import type { ${client.join(', ')} } from '../client/inbox-client.ts';`,
    "import type { TidingsBell as Bell, TidingsInbox as Inbox, TidingsProvider as Provider, TidingsToast as Toast } from '../elements/all.ts';",
    "import type { RenderItem } from '../elements/inbox.ts';",
    "import type { TidingsPreferences as Preferences } from '../elements/preferences.ts';",
    "import type { OwnTexts } from '../strings/texts.ts';",
  ].join('\n');
}

function describeProps({ attributes, members }) {
  const fields = members.filter(({ kind }) => kind === 'field');
  return [
    ...attributes.map(
      ({ name, type, description }) =>
        `  /** ${description}. */\n  readonly ${toCamel(name)}?: ${type.text} | undefined;`,
    ),
    ...fields.map(
      ({ name, type, description }) => `  /** ${description}. */\n  readonly ${name}?: ${type.text} | undefined;`,
    ),
  ];
}

const listFields = ({ members }) => members.filter(({ kind }) => kind === 'field').map(({ name }) => name);
const quote = (names) => `[${names.map((name) => `'${name}'`).join(', ')}]`;

export function generateReact() {
  const parts = readElements().map((element) => {
    const { name, tagName, description, attributes, events } = element;
    const handlers = events.map(
      (event) =>
        `  /** ${event.description}. */\n  readonly on${toPascal(toShort(event.name))}?: ((event: ${event.type.text}) => void) | undefined;`,
    );
    const short = name.replace('Tidings', '');
    const names = `{ ${events.map((event) => `on${toPascal(toShort(event.name))}: '${event.name}'`).join(', ')} }`;
    return `export interface ${name}Props extends WrapperProps {\n${[...describeProps(element), ...handlers].join('\n')}\n}

/** ${description} */
export const ${name}: Wrapper<${name}Props, ${short}> = wrap('${tagName}', ${quote(attributes.map((one) => one.name))}, ${quote(listFields(element))}, ${names});
`;
  });
  const body = parts.join('\n');
  return `${HEADER}${listImports(body)}\nimport { type Wrapper, type WrapperProps, wrap } from './wrap-react.ts';\n\n${body}`;
}

export function generateVue() {
  const parts = readElements().map((element) => {
    const { name, tagName, description, attributes, events } = element;
    const emits = events.map(
      (event) => `  readonly on${toPascal(toShort(event.name))}?: (event: ${event.type.text}) => void;`,
    );
    const names = `{ ${events.map((event) => `on${toPascal(toShort(event.name))}: '${event.name}'`).join(', ')} }`;
    return `export interface ${name}Props {\n${[...describeProps(element), ...emits].join('\n')}\n}

/** ${description} */
export const ${name}: Wrapper<${name}Props> = wrap('${tagName}', ${quote(attributes.map((one) => one.name))}, ${quote(listFields(element))}, ${names});
`;
  });
  const body = parts.join('\n');
  const imports = listImports(body)
    .split('\n')
    .filter((line) => !line.includes('elements/all') && !line.includes('elements/preferences'));
  return `${HEADER}${imports.join('\n')}\nimport { type Wrapper, wrap } from './wrap-vue.ts';\n\n${body}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(HERE, 'src/wrappers/react.ts'), generateReact());
  writeFileSync(join(HERE, 'src/wrappers/vue.ts'), generateVue());
}
