import { Paper, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { uniqueBy } from '../shell/unique-by.ts';

const POLL_MS = 15_000;
const NO_TOPICS: readonly string[] = [];
/** Columns from which on a table needs narrow ones: words of other languages are longer than English ones. */
const WIDE_COLUMNS = 7;

interface FactRowsProps<Item> {
  readonly testId: string;
  readonly items: readonly Item[];
  readonly getId: (item: Item) => string;
  /** Headings of the columns with numbers, which stand at the right. */
  readonly numbers?: readonly string[];
  /** Cells of a row, by the heading of their column. */
  readonly columns: { readonly [heading: string]: (item: Item) => ReactNode };
}

interface FactTableProps<Page, Item> extends Omit<FactRowsProps<Item>, 'items'> {
  readonly title: string;
  /** User of the things; absent: they are those of the tenant. */
  readonly of?: string;
  readonly load: (after: string | null) => Promise<Page>;
  readonly getItems: (page: Page) => readonly Item[];
  /** Topics of the stream of changes; absent: it is polled. */
  readonly topics?: readonly string[];
  /** Shown if there are no items. */
  readonly empty: string;
}

/** A table of things that are set up, with a title, kept up to date. */
export function FactTable<Page extends { next: string | null }, Item>(props: FactTableProps<Page, Item>) {
  const { title, testId, of = null, load, getItems, getId, columns, numbers = [], empty, topics = NO_TOPICS } = props;
  const list = useLivePages<Page, Item>({
    key: [testId, of],
    load,
    mergePages: (pages) => uniqueBy(pages.flatMap(getItems), getId),
    getId,
    topics,
    every: topics.length > 0 ? PAGE_MS : POLL_MS,
  });
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <LiveList
        list={list}
        height={80}
        empty={
          <Text size="sm" c="dimmed" p="md" data-testid={`${testId}-empty`}>
            {empty}
          </Text>
        }
      >
        {(items) => <FactRows testId={testId} items={items} getId={getId} columns={columns} numbers={numbers} />}
      </LiveList>
    </Stack>
  );
}

/** The rows of a table of facts, with their headings. */
export function FactRows<Item>({ testId, items, getId, columns, numbers = [] }: FactRowsProps<Item>) {
  const isNumber = (heading: string) => numbers.includes(heading) || undefined;
  const headings = Object.keys(columns);
  const isWide = headings.length >= WIDE_COLUMNS;
  return (
    <Paper withBorder className="facts-frame">
      <Table
        verticalSpacing="sm"
        horizontalSpacing={isWide ? 'xs' : 'md'}
        className="facts"
        data-wide={isWide || undefined}
        data-testid={testId}
      >
        <Table.Thead>
          <Table.Tr>
            {headings.map((heading) => (
              <Table.Th key={heading} data-number={isNumber(heading)}>
                {heading}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={getId(item)} data-row data-testid={`${testId}-row`}>
              {Object.entries(columns).map(([heading, toCell]) => (
                <Table.Td key={heading} data-heading={heading} data-number={isNumber(heading)}>
                  {toCell(item)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
