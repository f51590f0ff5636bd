import { ADDRESS_TRAITS, type AddressKind } from '../model/event.ts';

/**
 * Returns the kinds of addresses that a template reads from `user` or `traits`; all of them if it uses that, or all of its
 * data, as a whole. A guess from the text of its mustaches, which never misses one.
 */
export function findAddressesInTemplate(source: string, root: 'user' | 'traits'): readonly AddressKind[] {
  const isWhole = WHOLE_DATA.test(source) || new RegExp(String.raw`\{\{[^}]*\b${root}(?![\w./[])`).test(source);
  const kinds = Object.entries(ADDRESS_TRAITS).filter(
    ([trait]) => isWhole || new RegExp(String.raw`\{\{[^}]*\b${root}\]?[./]\[?${trait}\b`).test(source),
  );
  return [...new Set(kinds.map(([, kind]) => kind))];
}

/** Matches a mustache with `@root`, `this` or `.` as a value of its own. */
const WHOLE_DATA = /\{\{[^}]*(?:@root(?![\w./[])|\s(?:this|\.+)(?=[\s}]))/;
