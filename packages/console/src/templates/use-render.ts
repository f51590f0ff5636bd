import { useQuery } from '@tanstack/react-query';
import type { RenderedCell, RenderedTemplates, RenderRequest } from '@tidings/client/types';
import { useMemo, useRef } from 'react';
import { type Files, renderTemplates } from '../api/drafts.ts';
import type { Draft } from '../rules/draft.ts';
import type { useDraftCheck } from '../rules/use-draft-check.ts';
import { DEFAULT_LOCALE, folderOf, readPlace, toPlaceName } from './places.ts';

/** Messages, and the cells that they are of: another request may have been made since. */
export interface RenderedFor extends RenderedTemplates {
  readonly asked: RenderRequest['cells'];
}

export interface Render {
  /** As rendered last: what is shown stays while a draft cannot be rendered. */
  readonly rendered: RenderedFor | undefined;
  /** Why the draft as it is cannot be rendered. */
  readonly error: Error | null;
  readonly isFetching: boolean;
}

/**
 * Renders messages by the files of a draft that were checked last and have no error; by the active version while they do not differ.
 * @param files undefined: the active version
 */
export function useRender(
  files: Files | undefined,
  wanted: Omit<RenderRequest, 'files' | 'version'>,
  isEnabled: boolean,
): Render {
  const { data, error, isFetching, isPlaceholderData } = useRenderOf(
    { ...wanted, ...(files !== undefined && { files }) },
    isEnabled,
  );
  const last = useRef<RenderedFor>(undefined);
  if (data && !isPlaceholderData) last.current = data;
  return { rendered: data ?? last.current, error, isFetching };
}

/** Returns the files of a draft that can be rendered: those that have passed the check last. Undefined: the active version. */
export function useRenderable(draft: Draft | null, check: ReturnType<typeof useDraftCheck>) {
  const good = useRef<Files>(undefined);
  const { data, checked, isPlaceholderData } = check;
  const isChecked = data !== undefined && !isPlaceholderData;
  if (draft === null || draft.changed.length === 0) good.current = undefined;
  else if (isChecked && data.ok) good.current = checked;
  const isBad = isChecked && !data.ok && draft !== null && draft.changed.length > 0;
  return { files: good.current, isBad };
}

/** Renders messages by a version or by files. */
export function useRenderOf(request: RenderRequest, isEnabled: boolean) {
  return useQuery({
    queryKey: ['render', request],
    queryFn: async (): Promise<RenderedFor> => ({ asked: request.cells, ...(await renderTemplates(request)) }),
    enabled: isEnabled,
    placeholderData: (before) => before,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

/** Returns the message of a cell; undefined: it is not rendered yet. */
export function findRendered(
  rendered: RenderedFor | undefined,
  cell: RenderRequest['cells'][number],
): RenderedCell | undefined {
  const wanted = JSON.stringify(cell);
  return rendered?.cells[rendered.asked.findIndex((one) => JSON.stringify(one) === wanted)];
}

/** Returns the names of the templates whose original in the default locale changed later than they did, in the draft or before. */
export function useOutdated(draft: Draft | null, type: string, isEnabled: boolean): ReadonlySet<string> {
  const { data } = useQuery({
    queryKey: ['render', 'changes', type, draft?.version],
    queryFn: () => renderTemplates({ notification_type: type, cells: [], changes: true }),
    enabled: isEnabled,
    retry: false,
  });
  return useMemo(() => {
    const versions = new Map((data?.templates ?? []).map((one) => [toPlaceName(one), one.changed_in ?? 0]));
    for (const path of draft?.changed ?? []) {
      const place = path.startsWith(folderOf(type)) ? readPlace(path.slice(folderOf(type).length)) : undefined;
      if (place) versions.set(toPlaceName(place), Number.POSITIVE_INFINITY);
    }
    const isOutdated = (name: string, version: number) => {
      const [channel = ''] = name.split(' ');
      const original = versions.get(toPlaceName({ channel, locale: DEFAULT_LOCALE, variant: null })) ?? 0;
      return version < original;
    };
    return new Set([...versions].flatMap(([name, version]) => (isOutdated(name, version) ? [name] : [])));
  }, [data, draft?.changed, type]);
}
