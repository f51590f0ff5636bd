import { Paper, Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import { LoadMoreButton } from './LoadMoreButton.tsx';
import type { LivePages } from './live-pages.ts';
import { NewItemsButton } from './NewItemsButton.tsx';
import { ProblemView } from './ProblemView.tsx';

interface LiveListProps<Page, Item> {
  readonly list: LivePages<Page, Item>;
  /** Shown in the place of a list without items. */
  readonly empty: ReactNode;
  /** Height of the placeholder while the first page is loaded, in pixels. */
  readonly height?: number;
  /** Draws the items, of which there is at least one. */
  readonly children: (items: readonly Item[]) => ReactNode;
}

/** A list of `useLivePages`: its problem, a button for new items, the items or what is said without any, and the next page. */
export function LiveList<Page, Item>({ list, empty, height = 320, children }: LiveListProps<Page, Item>) {
  const { items, older } = list;
  return (
    <>
      {list.error && <ProblemView problem={list.error} retry={list.retry} />}
      <NewItemsButton newItems={list.newItems} />
      {items === undefined && list.error === null && <Skeleton height={height} />}
      {items?.length === 0 && !older.exist && <Paper withBorder>{empty}</Paper>}
      {items !== undefined && items.length > 0 && children(items)}
      <LoadMoreButton older={older} />
    </>
  );
}
