/** Compares OpenAPI documents: finds what a caller of the first one would miss, or could no longer send, in the second. */

// biome-ignore lint/suspicious/noExplicitAny: OpenAPI documents, read part by part
type Node = any;

type Direction = 'request' | 'response';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** Depth at which the comparison ends: schemas may contain themselves. */
const MAX_DEPTH = 12;

/** Returns one line for each break, such as `GET /api/v1/waits: parameter rule: gone`; empty: every caller goes on working. */
export function listBreaks(before: object, after: object): string[] {
  return new Comparison(before, after).run();
}

class Comparison {
  readonly #before: Node;
  readonly #after: Node;
  readonly #found = new Set<string>();

  constructor(before: Node, after: Node) {
    this.#before = before;
    this.#after = after;
  }

  run(): string[] {
    for (const [path, operations] of Object.entries<Node>(this.#before.paths)) {
      for (const method of METHODS.filter((one) => operations[one])) {
        const name = `${method.toUpperCase()} ${path}`;
        const now = this.#after.paths[path]?.[method];
        if (now) this.#compareOperations(name, operations[method], now);
        else this.#found.add(`${name}: gone`);
      }
    }
    return [...this.#found].sort();
  }

  #compareOperations(name: string, before: Node, after: Node): void {
    const parameters = (operation: Node) =>
      new Map<string, Node>((operation.parameters ?? []).map((one: Node) => [`${one.in} ${one.name}`, one]));
    const now = parameters(after);
    const were = parameters(before);
    for (const [key, parameter] of were) {
      const other = now.get(key);
      if (!other) this.#found.add(`${name}: parameter ${parameter.name}: gone`);
      else this.#compare('request', `${name}: parameter ${parameter.name}`, parameter.schema, other.schema);
    }
    for (const [key, parameter] of now) {
      if (parameter.required && !were.get(key)?.required) {
        this.#found.add(`${name}: parameter ${parameter.name}: required now`);
      }
    }
    this.#compareContents('request', `${name}: body`, before.requestBody, after.requestBody);
    for (const status of Object.keys(before.responses ?? {}).filter((one) => one.startsWith('2'))) {
      if (after.responses?.[status]) {
        this.#compareContents('response', `${name}: ${status}`, before.responses[status], after.responses[status]);
      } else this.#found.add(`${name}: response ${status}: gone`);
    }
  }

  #compareContents(direction: Direction, name: string, before: Node, after: Node): void {
    for (const [type, { schema }] of Object.entries<Node>(before?.content ?? {})) {
      const other = after?.content?.[type];
      if (other) this.#compare(direction, name, schema, other.schema);
      else this.#found.add(`${name}: ${type}: gone`);
    }
  }

  #compare(direction: Direction, name: string, oldSchema: Node, newSchema: Node, depth = 0): void {
    if (depth > MAX_DEPTH) return;
    const before = resolve(this.#before, oldSchema ?? {});
    const after = resolve(this.#after, newSchema ?? {});
    const next = (part: string, a: Node, b: Node) => this.#compare(direction, `${name}.${part}`, a, b, depth + 1);
    if (before.type !== undefined && String(before.type) !== String(after.type)) {
      if (after.type !== undefined || direction === 'response')
        this.#found.add(`${name}: type ${before.type} is ${after.type}`);
      return;
    }
    this.#compareEnums(direction, name, before.enum, after.enum);
    if (direction === 'request') this.#compareBounds(name, before, after);
    for (const [field, schema] of Object.entries<Node>(before.properties ?? {})) {
      if (after.properties?.[field]) next(field, schema, after.properties[field]);
      else this.#found.add(`${name}.${field}: gone`);
    }
    const [must, mustNow]: string[][] = [before.required ?? [], after.required ?? []];
    for (const field of direction === 'request' ? mustNow! : []) {
      if (!must!.includes(field)) this.#found.add(`${name}.${field}: required now`);
    }
    for (const field of direction === 'response' ? must! : []) {
      if (!mustNow!.includes(field) && after.properties?.[field]) {
        this.#found.add(`${name}.${field}: no longer always present`);
      }
    }
    if (before.items && after.items) next('items', before.items, after.items);
    for (const kind of ['anyOf', 'oneOf', 'allOf']) {
      (before[kind] ?? []).forEach((option: Node, index: number) => {
        const other = after[kind]?.[index];
        if (other) next(`${kind}[${index}]`, option, other);
        else if (direction === 'request') this.#found.add(`${name}.${kind}[${index}]: gone`);
      });
    }
  }

  /** A request may have every value that it could have; a response has no less. */
  #compareEnums(direction: Direction, name: string, before: readonly unknown[] = [], after?: readonly unknown[]): void {
    if (direction === 'response' || after === undefined) return;
    for (const value of before) {
      if (!after.includes(value)) this.#found.add(`${name}: no longer allows ${JSON.stringify(value)}`);
    }
  }

  #compareBounds(name: string, before: Node, after: Node): void {
    for (const bound of ['maximum', 'maxLength', 'maxItems']) {
      if ((after[bound] ?? Number.POSITIVE_INFINITY) < (before[bound] ?? Number.POSITIVE_INFINITY)) {
        this.#found.add(`${name}: ${bound} is ${after[bound]}`);
      }
    }
    for (const bound of ['minimum', 'minLength', 'minItems']) {
      if ((after[bound] ?? Number.NEGATIVE_INFINITY) > (before[bound] ?? Number.NEGATIVE_INFINITY)) {
        this.#found.add(`${name}: ${bound} is ${after[bound]}`);
      }
    }
  }
}

function resolve(document: Node, schema: Node): Node {
  if (schema.$ref === undefined) return schema;
  return resolve(document, document.components.schemas[schema.$ref.slice('#/components/schemas/'.length)] ?? {});
}
