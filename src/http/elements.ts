import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';

/** Scripts of the elements, for pages of any site. */
export const ELEMENT_SCRIPTS = ['tidings.js', 'inbox.js', 'preferences.js', 'client.js'] as const;

/** Files of the page that shows them. */
export const DEMO_FILES = ['demo.html', 'demo.js', 'demo.css'] as const;

type ElementFileName = (typeof ELEMENT_SCRIPTS)[number] | (typeof DEMO_FILES)[number];

export interface ElementFile {
  readonly content: Buffer;
  /** The content by encoding, made when it is first asked for. */
  readonly compressed: Map<'br' | 'gzip', Buffer>;
  readonly etag: string;
  /** For the attribute `integrity` of a script. */
  readonly integrity: string;
  /** Name under which the content never changes. */
  readonly fixedName: string;
}

/** The built elements, read when they are first asked for. */
export class ElementFiles {
  readonly #folder: string;
  readonly #files = new Map<ElementFileName, ElementFile>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether they were built. */
  get areBuilt(): boolean {
    return existsSync(join(this.#folder, 'tidings.js'));
  }

  /** @throws Error if they were not built */
  get(name: ElementFileName): ElementFile {
    const known = this.#files.get(name);
    if (known) return known;
    const content = readFileSync(join(this.#folder, name));
    const hash = createHash('sha384').update(content).digest();
    const short = hash.subarray(0, 6).toString('hex');
    const [stem = '', extension = ''] = name.split('.');
    const file: ElementFile = {
      content,
      compressed: new Map(),
      etag: `"${short}"`,
      integrity: `sha384-${hash.toString('base64')}`,
      fixedName: `${stem}-${short}.${extension}`,
    };
    this.#files.set(name, file);
    return file;
  }

  /** Finds a script by its name, or by the name under which it never changes. */
  find(name: string): { readonly file: ElementFile; readonly isFixed: boolean } | undefined {
    for (const script of ELEMENT_SCRIPTS) {
      if (name === script) return { file: this.get(script), isFixed: false };
      if (name === this.get(script).fixedName) return { file: this.get(script), isFixed: true };
    }
    return undefined;
  }
}

/** Returns the content in an encoding, as small as it gets: it is compressed once. */
export function compressOnce({ content, compressed }: ElementFile, encoding: 'br' | 'gzip'): Buffer {
  const known = compressed.get(encoding);
  if (known) return known;
  const made = encoding === 'br' ? zlib.brotliCompressSync(content) : zlib.gzipSync(content, { level: 9 });
  compressed.set(encoding, made);
  return made;
}
