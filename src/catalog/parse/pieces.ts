import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { BODY, checkPiece, PREHEADER } from '../../templates/expand.ts';
import { PIECE_FORMS, type Piece, Pieces } from '../../templates/pieces.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import type { Problems } from '../problems.ts';
import { atStart } from './template-files.ts';

/** Folders of files that templates share. */
const FOLDERS: { readonly [folder: string]: Piece['kind'] } = { _layouts: 'layout', _partials: 'partial' };

/** Whether a path below `templates/` is that of a layout or partial, or is meant as one. */
export function isPieceFile(path: string): boolean {
  return /^templates\/_/.test(path);
}

/**
 * Parses the layouts and partials, `templates/_layouts/NAME.LOCALE.EXTENSION` and `templates/_partials/…`; the locale may be
 * left out. Reports what is wrong with each, also if no template uses it.
 *
 * @param files path to text, of everything below `templates/`
 */
export function parsePieces(files: ReadonlyMap<string, string>, problems: Problems): Pieces {
  const found = [...files.keys()].filter(isPieceFile).sort();
  const pieces = new Pieces(found.flatMap((file) => parsePiece(file, files.get(file)!, problems)));
  for (const piece of pieces) {
    for (const problem of checkPiece({ ...piece, locale: piece.locale ?? DEFAULT_LOCALE }, pieces))
      problems.add(problem);
  }
  return pieces;
}

/** Returns the piece; none after a problem, which has been reported. */
function parsePiece(file: string, text: string, problems: Problems): readonly Piece[] {
  const [, folder = '', name = ''] = /^templates\/([^/]+)\/(.+)$/.exec(file) ?? [];
  const report = (message: string, hint: string): readonly Piece[] => {
    problems.add(atStart(file, message, hint));
    return [];
  };
  const kind = Object.hasOwn(FOLDERS, folder) ? FOLDERS[folder] : undefined;
  if (kind === undefined)
    return report(`${JSON.stringify(folder)} is no folder of templates`, 'use _layouts or _partials');
  const example =
    kind === 'layout'
      ? '_layouts/main.html, _layouts/main.pt-BR.html'
      : '_partials/footer.html, _partials/footer.pt-BR.txt';
  const [, word, locale, extension] = /^([A-Za-z0-9][\w-]*)(?:\.([^./]+))?\.([^./]+)$/.exec(name) ?? [];
  if (word === undefined) return report(`${JSON.stringify(name)} is not the file name of a ${kind}`, `like ${example}`);
  const form = PIECE_FORMS.find((one) => one === extension);
  if (form === undefined) return report(`a ${kind} has no .${extension} file`, `use one of: ${PIECE_FORMS.join(', ')}`);
  if (word === BODY || word === PREHEADER)
    return report(`"${word}" is the name of a place in layouts`, 'choose another name');
  const canonical = locale === undefined ? undefined : canonicalizeLocale(locale);
  if (canonical !== locale) {
    const hint = canonical ? `rename it to ${word}.${canonical}.${extension}` : `like ${example}`;
    return report(`${JSON.stringify(locale)} is not a locale`, hint);
  }
  // The end of a text belongs to the file, and not to the place where it is included.
  return [{ kind, name: word, locale, form, file, text: form === 'txt' ? text.trimEnd() : text.replace(/\n$/, '') }];
}
