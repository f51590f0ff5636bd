import { Autocomplete, type ComboboxParsedItem, Kbd } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { findUsers } from '../api/users.ts';
import { linkToUser, openLink } from '../route.ts';
import { IconSearch } from './icons.tsx';

/** Search field that finds users by the first characters of the ID. Enter opens the marked user, or else the typed ID. */
export function UserSearch() {
  const [text, setText] = useState('');
  const [prefix] = useDebouncedValue(text.trim(), 150);
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => input.current?.focus()]]);
  const found = useQuery({
    queryKey: ['users', prefix],
    queryFn: () => findUsers(prefix),
    enabled: prefix !== '',
    placeholderData: (previous) => previous,
  });
  const show = (userId: string) => {
    if (userId === '') return;
    setText('');
    input.current?.blur();
    openLink(linkToUser(userId));
  };
  return (
    <Autocomplete
      ref={input}
      data-testid="user-search"
      aria-label="Find a user by ID"
      placeholder="Find a user"
      className="search"
      leftSection={<IconSearch size={16} />}
      rightSection={
        <Kbd size="xs" className="search-key">
          /
        </Kbd>
      }
      rightSectionPointerEvents="none"
      value={text}
      onChange={setText}
      data={prefix === '' ? [] : (found.data?.users.map((user) => user.user_id) ?? [])}
      // The results may still belong to an earlier prefix.
      filter={({ options, search }) => options.filter((option) => startsWith(option, search))}
      // Deferred, because the field sets its text to the chosen option after this returns.
      onOptionSubmit={(userId) => queueMicrotask(() => show(userId))}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !hasMarked(input.current)) show(text.trim());
      }}
    />
  );
}

/** Returns true if an option is marked. `aria-activedescendant` does not tell: it keeps the previous choice. */
function hasMarked(field: HTMLInputElement | null): boolean {
  const list = document.getElementById(field?.getAttribute('aria-controls') ?? '');
  return Boolean(list?.querySelector('[data-combobox-selected]'));
}

function startsWith(option: ComboboxParsedItem, search: string): boolean {
  return 'value' in option && String(option.value).toLowerCase().startsWith(search.trim().toLowerCase());
}
