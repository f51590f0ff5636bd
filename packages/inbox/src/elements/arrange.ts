import type { Item } from '../client/inbox-client.ts';

/** An item that is shown, with how many others of its thread are folded below it. */
export interface Row {
  readonly item: Item;
  readonly others: number;
  readonly isOpen: boolean;
  readonly isChild: boolean;
}

/** Returns the rows of a list: of each thread the latest item, and the others below it if it is open. */
export function arrange(items: readonly Item[], open: ReadonlySet<string>): readonly Row[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    if (item.group === null) continue;
    const known = groups.get(item.group);
    if (known) known.push(item);
    else groups.set(item.group, [item]);
  }
  return items.flatMap((item): Row[] => {
    const members = item.group === null ? undefined : groups.get(item.group);
    if (!members) return [{ item, others: 0, isOpen: false, isChild: false }];
    if (members[0] !== item) return [];
    const isOpen = open.has(item.group as string);
    const children = isOpen ? members.slice(1) : [];
    return [
      { item, others: members.length - 1, isOpen, isChild: false },
      ...children.map((child) => ({ item: child, others: 0, isOpen: false, isChild: true })),
    ];
  });
}
