import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { testPackages } from './packages.ts';

/** The YAML language server that VS Code's YAML extension runs, in a process of its own, spoken to over stdio. */

/** Undefined if it cannot be installed. */
export const PROGRAM = (await testPackages('editor'))?.resolve('yaml-language-server/bin/yaml-language-server');

export interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
}

export interface Completion {
  readonly label: string;
  readonly insertText: string;
  readonly documentation?: string | { readonly value: string };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly [key: string]: unknown };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #root: string;
  readonly #settings: object;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #diagnostics = new Map<string, (found: readonly Diagnostic[]) => void>();
  #received = Buffer.alloc(0);
  #lastId = 0;

  private constructor(root: string, settings: object) {
    this.#root = root;
    this.#settings = settings;
    this.#process = spawn(process.execPath, [PROGRAM as string, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdout!.on('data', (data: Buffer) => this.#receive(data));
  }

  /** @param settings what VS Code has under `yaml` */
  static async start(root: string, settings: object): Promise<LanguageServer> {
    const server = new LanguageServer(root, settings);
    const completionItem = { snippetSupport: true };
    await server.#request('initialize', {
      processId: process.pid,
      rootUri: server.#uriOf('.'),
      workspaceFolders: [{ name: 'root', uri: server.#uriOf('.') }],
      capabilities: { workspace: { configuration: true }, textDocument: { completion: { completionItem } } },
    });
    server.#notify('initialized', {});
    return server;
  }

  /** Opens a text as if it were this file, and returns what the server finds wrong with it. */
  open(path: string, text: string): Promise<readonly Diagnostic[]> {
    const uri = this.#uriOf(path);
    const found = new Promise<readonly Diagnostic[]>((resolve) => this.#diagnostics.set(uri, resolve));
    this.#notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
    return found;
  }

  /** Returns what the server proposes at a place of an open file. Both count from 0. */
  async complete(path: string, line: number, character: number): Promise<readonly Completion[]> {
    const position = { textDocument: { uri: this.#uriOf(path) }, position: { line, character } };
    const answer = await this.#request('textDocument/completion', position);
    return (answer as { readonly items: readonly Completion[] }).items;
  }

  /** Returns the explanation of what is at a place of an open file, as Markdown. */
  async explain(path: string, line: number, character: number): Promise<string> {
    const position = { textDocument: { uri: this.#uriOf(path) }, position: { line, character } };
    const answer = await this.#request('textDocument/hover', position);
    return (answer as { readonly contents: { readonly value: string } }).contents.value;
  }

  stop(): void {
    this.#process.kill();
  }

  #uriOf(path: string): string {
    return pathToFileURL(join(this.#root, path)).href;
  }

  #request(method: string, params: object): Promise<unknown> {
    const id = ++this.#lastId;
    this.#send({ id, method, params });
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
    });
  }

  #notify(method: string, params: object): void {
    this.#send({ method, params });
  }

  #send(message: object): void {
    const json = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#process.stdin!.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString('ascii', 0, end))?.[1]);
      const from = end + 4;
      if (this.#received.length < from + length) return;
      const message = JSON.parse(this.#received.toString('utf8', from, from + length)) as Message;
      this.#received = this.#received.subarray(from + length);
      this.#handle(message);
    }
  }

  #handle({ id, method, params, ...rest }: Message): void {
    if (method === 'textDocument/publishDiagnostics') {
      this.#diagnostics.get(params?.uri as string)?.(params?.diagnostics as readonly Diagnostic[]);
    } else if (method !== undefined && id !== undefined) {
      this.#send({ id, result: method === 'workspace/configuration' ? this.#configuration(params) : null });
    } else if (id !== undefined) {
      this.#answers.get(id)?.(rest);
      this.#answers.delete(id);
    }
  }

  #configuration(params: Message['params']): unknown[] {
    const items = params?.items as readonly { readonly section: string }[];
    return items.map(({ section }) => (section === 'yaml' ? this.#settings : {}));
  }
}
