import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, type Ref, useLayoutEffect, useRef, useState } from 'react';

/** Rows up to which all are in the page: the browser finds texts in them, and nothing is measured. */
const MAX_PLAIN_ROWS = 60;
/** Rows above and below the window that are in the page as well. */
const OVERSCAN = 8;

/** Attributes by which a row of a table is measured. */
export interface RowPlace {
  readonly ref?: Ref<HTMLTableRowElement>;
  readonly 'data-index'?: number;
  readonly 'aria-rowindex'?: number;
}

interface VirtualRowsProps<Item> {
  readonly items: readonly Item[];
  readonly getId: (item: Item) => string;
  /** Height of a row before it is measured, in pixels. */
  readonly height: number;
  readonly columns: number;
  readonly children: (item: Item, place: RowPlace) => ReactNode;
}

/** The body of a table, of which a long one has only the rows near the window in the page. Each row takes its `RowPlace`. */
export function VirtualRows<Item>(props: VirtualRowsProps<Item>) {
  const { items, children } = props;
  if (items.length > MAX_PLAIN_ROWS) return <NearRows {...props} />;
  return <tbody>{items.map((item) => children(item, {}))}</tbody>;
}

function NearRows<Item>({ items, getId, height, columns, children }: VirtualRowsProps<Item>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    // Notices above the table come and go.
    const now = body.current === null ? 0 : Math.round(body.current.getBoundingClientRect().top + scrollY);
    if (Math.abs(now - top) > 1) setTop(now);
  });
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => height,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: (index) => getId(items[index] as Item),
  });
  const shown = rows.getVirtualItems();
  const above = shown.length === 0 ? 0 : (shown[0]?.start ?? 0) - top;
  const below = rows.getTotalSize() - ((shown.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body}>
      <Space height={above} columns={columns} />
      {shown.map(({ index }) =>
        children(items[index] as Item, {
          ref: rows.measureElement,
          'data-index': index,
          // The heading is the first row.
          'aria-rowindex': index + 2,
        }),
      )}
      <Space height={below} columns={columns} />
    </tbody>
  );
}

/** The room of rows that are not in the page. */
function Space({ height, columns }: { height: number; columns: number }) {
  return height <= 0 ? null : (
    <tr>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
