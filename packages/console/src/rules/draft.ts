/* The draft of a catalog: changes of its files, which this browser keeps for each tenant until they are released. */
import { useQuery } from '@tanstack/react-query';
import type { StoredCatalogFiles } from '@tidings/client/types';
import { useMemo, useSyncExternalStore } from 'react';
import { type Files, getCatalogFiles } from '../api/drafts.ts';
import { getSession } from '../api/session.ts';
import { ofBrowser } from '../kept-values.ts';
import { announce } from '../shell/announce.tsx';
import { t } from '../text/text.ts';

/** A draft as it is kept. */
interface Kept {
  /** The version that the draft began from. */
  readonly base: number;
  /** Texts of changed files; null: the file is removed. */
  readonly changed: Files;
}

export interface Draft {
  /** The tenant whose catalog it is. */
  readonly tenant: string;
  /** The active version. */
  readonly version: number;
  /** The version that the draft began from; the active one while nothing is changed. */
  readonly base: number;
  readonly source: StoredCatalogFiles['source'];
  /** Files of the active version. */
  readonly original: Files;
  /** The same, as they are in the draft. */
  readonly files: Files;
  /** Paths of the files that differ, in order. */
  readonly changed: readonly string[];
}

const listeners = new Set<() => void>();
/** As read last, so that an equal draft stays the same object. */
let known: { readonly key: string; readonly text: string | null; readonly kept: Kept | null } | undefined;

/** By the tenant of the session: two keys, one after the other in the same tab, may be of two tenants. */
const toKey = (tenant: string) => `tidings.draft.${tenant}`;

function readKept(tenant: string): Kept | null {
  const key = toKey(tenant);
  const text = ofBrowser.read(key);
  if (known?.key !== key || known.text !== text) known = { key, text, kept: parseKept(text) };
  return known.kept;
}

function parseKept(text: string | null): Kept | null {
  try {
    const kept = text === null ? null : JSON.parse(text);
    return typeof kept?.base === 'number' && typeof kept.changed === 'object' && kept.changed !== null ? kept : null;
  } catch {
    return null;
  }
}

function writeKept(tenant: string, kept: Kept | null): void {
  if (kept === null || Object.keys(kept.changed).length === 0) ofBrowser.write(toKey(tenant), null);
  else {
    try {
      localStorage.setItem(toKey(tenant), JSON.stringify(kept));
    } catch {
      // The browser keeps some megabytes.
      announce(t('The draft is too large to be kept in this browser. The last change is lost when you leave.'));
    }
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab edits the same draft.
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}

/** Asks for the files of the active version. */
export function useFiles() {
  return useQuery({ queryKey: ['catalog', 'files'], queryFn: () => getCatalogFiles() });
}

/** Returns the draft; undefined before the files are known, and null if they are not kept. */
export function useDraft(): Draft | null | undefined {
  const { data } = useFiles();
  const tenant = useQuery({ queryKey: ['session'], queryFn: getSession }).data?.tenant_id;
  const kept = useSyncExternalStore(subscribe, () => (tenant ? readKept(tenant) : null));
  return useMemo(() => {
    if (!data || !tenant) return undefined;
    if (data.files === null) return null;
    const original = data.files;
    const files = { ...original, ...kept?.changed };
    const changed = Object.keys(files).filter((path) => files[path] !== original[path]);
    const base = changed.length === 0 ? data.version : (kept?.base ?? data.version);
    return { tenant, version: data.version, base, source: data.source, original, files, changed: changed.sort() };
  }, [data, tenant, kept]);
}

/** Changes a file of the draft. */
export function changeFile(draft: Draft, path: string, text: string): void {
  const { [path]: _, ...others } = readKept(draft.tenant)?.changed ?? {};
  const changed = draft.original[path] === text ? others : { ...others, [path]: text };
  writeKept(draft.tenant, { base: draft.base, changed });
}

/** Forgets the draft. */
export function discardDraft({ tenant }: Draft): void {
  writeKept(tenant, null);
}

/** Returns the line (from 1) at which a rule, or another entry, begins in a file; 1 if it is not found. */
export function findLine(text: string, name: string): number {
  const index = text
    .split('\n')
    .findIndex((line) => /^ {2}(?=\S)/.test(line) && unquote(line.trim()).startsWith(`${name}:`));
  return index + 1 || 1;
}

const unquote = (line: string) => line.replace(/^(["'])(.*?)\1(?=:)/, '$2');

/** Key of the event that triggers a rule. */
const TRIGGER = 'on';

/** Adds a rule to rules.yaml, as the first of its list. */
export function addRule(draft: Draft, name: string, event: string): void {
  const text = draft.files['rules.yaml'] ?? '';
  const head = /^rules:[ \t]*(#.*)?$/m;
  const file = head.test(text) ? text : text.replace(/$/, '\nrules:');
  const lines = `\n  ${name}:\n    ${TRIGGER}: ${event}`;
  const added = file.replace(head, (line) => line + lines);
  changeFile(draft, 'rules.yaml', added);
}
