import { readdirSync, readFileSync } from 'node:fs';

/** Requests in `.http` files: `### name`, comments, a request line, headers, an empty line, a body. */

export interface HttpRequest {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** For later requests: `{{id.response.body.$.path}}`. */
  readonly id: string | undefined;
  /** Expected status codes; empty: any 2xx. */
  readonly expected: readonly number[];
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | undefined;
}

export interface HttpFile {
  readonly name: string;
  /** `@name = value` lines. */
  readonly variables: ReadonlyMap<string, string>;
  readonly requests: readonly HttpRequest[];
}

/** Reads the files of a folder, in order of their names. */
export function readHttpFiles(folder: URL): HttpFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.http'));
  return names.sort().map((name) => parseHttpFile(name, readFileSync(new URL(name, `${folder.href}/`), 'utf8')));
}

export function parseHttpFile(name: string, text: string): HttpFile {
  const variables = new Map<string, string>();
  const requests: HttpRequest[] = [];
  let line = 1;
  for (const block of text.split(/^(?=###)/m)) {
    for (const [, variable = '', value = ''] of block.matchAll(/^@(\w+) *= *(.*)$/gm))
      variables.set(variable, value.trim());
    if (block.startsWith('###')) requests.push(parseRequest(block, name, line));
    line += block.split('\n').length - 1;
  }
  return { name, variables, requests };
}

function parseRequest(block: string, file: string, line: number): HttpRequest {
  const [title = '', ...lines] = block.trimEnd().split('\n');
  const comments = lines.filter((one) => one.startsWith('#')).join('\n');
  const rest = lines.filter((one) => !one.startsWith('#'));
  const end = rest.indexOf('');
  const [first = '', ...headers] = end < 0 ? rest : rest.slice(0, end);
  const [, method, url] = /^([A-Z]+) (\S+)$/.exec(first) ?? [];
  if (method === undefined || url === undefined) throw new Error(`${file}:${line} has no request line`);
  return {
    name: title.replace(/^#+ */, ''),
    file,
    line,
    id: /@name (\w+)/.exec(comments)?.[1],
    expected: (/expect ([\d ]+)/.exec(comments)?.[1] ?? '').split(' ').filter(Boolean).map(Number),
    method,
    url,
    headers: headers.map((header) => {
      const at = header.indexOf(':');
      return [header.slice(0, at), header.slice(at + 1).trim()] as const;
    }),
    body: end < 0 ? undefined : rest.slice(end + 1).join('\n'),
  };
}

/** Replaces `{{variable}}` and `{{id.response.body.$.path}}`; anything else in braces, as of a template, stays. */
export function substitute(
  text: string,
  variables: ReadonlyMap<string, string>,
  responses: ReadonlyMap<string, unknown>,
): string {
  return text.replace(/\{\{([^{}]+)\}\}/g, (whole, name: string) => {
    const [, id = '', path = ''] = /^(\w+)\.response\.body\.\$\.(.+)$/.exec(name) ?? [];
    if (id === '') return variables.get(name) ?? whole;
    let value = responses.get(id);
    for (const step of path.split(/[.[\]]+/).filter(Boolean))
      value = (value as { [key: string]: unknown } | undefined)?.[step];
    if (value === undefined) throw new Error(`the response of ${id} has no ${path}`);
    return String(value);
  });
}
