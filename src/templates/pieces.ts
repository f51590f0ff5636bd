import { listLookupLocales } from '../lib/text/locale.ts';

/** Kinds of files that templates share: a layout stands around a part, and a partial within one. */
export type PieceKind = 'layout' | 'partial';

/** Forms of them: that of the part which they are put together with. */
export const PIECE_FORMS = ['html', 'mjml', 'txt'] as const;
export type PieceForm = (typeof PIECE_FORMS)[number];

/** A layout or partial. */
export interface Piece {
  readonly kind: PieceKind;
  readonly name: string;
  /** Undefined: of every locale that has no other. */
  readonly locale: string | undefined;
  readonly form: PieceForm;
  /** The path under which problems in it are reported. */
  readonly file: string;
  readonly text: string;
}

/** Layouts and partials by kind, name, form and locale. */
export class Pieces {
  readonly #byKey = new Map<string, Piece>();

  /** @param pieces of two with the same kind, name, form and locale the last one counts */
  constructor(pieces: Iterable<Piece>) {
    for (const piece of pieces) this.#byKey.set(toKey(piece.kind, piece.name, piece.form, piece.locale), piece);
  }

  /** Returns the piece for a locale, by the look-up of RFC 4647: that of `pt-BR`, of `pt`, or of no locale. */
  find(kind: PieceKind, name: string, form: PieceForm, locale: string): Piece | undefined {
    for (const candidate of [...listLookupLocales(locale), undefined]) {
      const found = this.#byKey.get(toKey(kind, name, form, candidate));
      if (found) return found;
    }
    return undefined;
  }

  /** Returns the names of all pieces of a kind, of one form if it is given, in order. */
  listNames(kind: PieceKind, form?: PieceForm): string[] {
    const all = [...this.#byKey.values()].filter((one) => one.kind === kind && (form ?? one.form) === one.form);
    return [...new Set(all.map(({ name }) => name))].sort();
  }

  [Symbol.iterator](): Iterator<Piece> {
    return this.#byKey.values();
  }
}

function toKey(kind: PieceKind, name: string, form: PieceForm, locale: string | undefined): string {
  return `${kind} ${name} ${form} ${locale ?? ''}`;
}
