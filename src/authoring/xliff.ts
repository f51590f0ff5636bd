import { TidingsError } from '../errors.ts';

/** A text to be translated. */
export interface TranslationUnit {
  /** `NAME/PART`. */
  readonly id: string;
  readonly source: string;
  /** Null: it is not translated. */
  readonly target: string | null;
}

/** Texts in two locales. */
export interface Translations {
  readonly from: string;
  readonly to: string;
  readonly units: readonly TranslationUnit[];
}

/** Units of a document, at most. */
const MAX_UNITS = 20_000;

/** Writes an XLIFF 2.0 document. */
export function writeXliff({ from, to, units }: Translations): string {
  const lines = units.map(({ id, source, target }, i) => {
    const state = target === null ? 'initial' : 'translated';
    const translated = target === null ? '' : `<target xml:space="preserve">${escapeXml(target)}</target>`;
    return `    <unit id="u${i + 1}" name="${escapeXml(id)}">
      <segment state="${state}"><source xml:space="preserve">${escapeXml(source)}</source>${translated}</segment>
    </unit>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="${escapeXml(from)}" trgLang="${escapeXml(to)}">
  <file id="tidings">
${lines.join('\n')}
  </file>
</xliff>
`;
}

function escapeXml(text: string): string {
  // Characters that XML cannot have are left out.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters
  const possible = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  return possible.replace(/[&<>"\r]/g, (sign) => ESCAPES[sign] ?? sign);
}

const ESCAPES: { readonly [sign: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([\w:.-]+)((?:"[^"]*"|'[^']*'|[^<>"'])*)>|([^<]+)/gy;

/**
 * Reads an XLIFF document, 2.0 or 1.2: its locales, and every unit with a name. A unit of several segments is one text; it has
 * a target if each segment has one.
 *
 * @throws TidingsError `invalid_request` for a document that cannot be read, or has marks within texts
 */
export function readXliff(document: string): Translations {
  const units: TranslationUnit[] = [];
  let locales: { from: string; to: string } | undefined;
  let unit: { id: string; sources: string[]; targets: string[] } | undefined;
  let open: 'source' | 'target' | undefined;
  let text = '';
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < document.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(document);
    if (!match) throw fail(`it is not XML at character ${at + 1}`);
    const [, cdata, slash, tag, attributes = '', plain] = match;
    if (plain !== undefined || cdata !== undefined) {
      if (open) text += cdata ?? unescapeXml(plain ?? '');
      continue;
    }
    if (tag === undefined) continue;
    const name = tag.replace(/^.*:/, '');
    const isEnd = slash === '/';
    const isEmpty = attributes.endsWith('/');
    if (open && name !== open)
      throw fail(`the ${open} of ${unit?.id} has the mark <${name}>; write texts without marks`);
    if (name === 'xliff' || name === 'file') {
      const found = { from: getLocale(attributes, 'src', 'source'), to: getLocale(attributes, 'trg', 'target') };
      if (!isEnd && found.from !== undefined && found.to !== undefined) locales = { from: found.from, to: found.to };
    } else if (name === 'unit' || name === 'trans-unit') {
      if (isEnd && unit) {
        units.push(toUnit(unit));
        unit = undefined;
      } else if (!isEnd && !isEmpty) {
        const id =
          getAttribute(attributes, 'name') ?? getAttribute(attributes, 'resname') ?? getAttribute(attributes, 'id');
        unit = { id: id ?? '', sources: [], targets: [] };
      }
      if (units.length > MAX_UNITS) throw fail(`it has more than ${MAX_UNITS} units`);
    } else if ((name === 'source' || name === 'target') && unit) {
      if (!isEnd) text = '';
      if (isEnd || isEmpty) {
        (name === 'source' ? unit.sources : unit.targets).push(text);
        open = undefined;
      } else open = name;
    }
  }
  if (!locales) throw fail('it names no locales: srcLang and trgLang of <xliff>');
  if (unit) throw fail('it ends within a unit');
  return { ...locales, units };
}

function toUnit({ id, sources, targets }: { id: string; sources: string[]; targets: string[] }): TranslationUnit {
  const isWhole = targets.length > 0 && targets.length === sources.length && targets.every((one) => one !== '');
  return { id, source: sources.join(''), target: isWhole ? targets.join('') : null };
}

function getLocale(attributes: string, two: string, one: string): string | undefined {
  return getAttribute(attributes, `${two}Lang`) ?? getAttribute(attributes, `${one}-language`);
}

function getAttribute(attributes: string, name: string): string | undefined {
  const [, double, single] = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes) ?? [];
  const value = double ?? single;
  return value === undefined ? undefined : unescapeXml(value);
}

const NAMED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\uFFFD';
  });
}

function fail(why: string): TidingsError {
  return new TidingsError('invalid_request', `The XLIFF document cannot be read: ${why}.`, { pointer: '/xliff' });
}
