import { Text } from '@mantine/core';
import type { PreferenceCell } from '../api.ts';
import { IconBan, IconCheck, IconLock } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { toWords } from '../shell/verdict-words.ts';

const ON: Look = { label: 'On', color: 'teal', Icon: IconCheck };
const OFF: Look = { label: 'Off', color: 'gray', Icon: IconBan };

/** Whether a type goes to the user on a channel, in words why, and a lock if the user cannot change it. */
export function PreferenceCellView({ cell }: { cell: PreferenceCell }) {
  const { on, changeable, decided_by: by } = cell;
  return (
    <div className="preference-cell">
      <span className="preference-head">
        <StatusBadge look={on ? ON : OFF} testId="preference-state" />
        {!changeable && <IconLock size={15} className="quiet" label="The user cannot change it" />}
      </span>
      <Text size="xs" className="break">
        {toWords(by.code)}
      </Text>
      <Text size="xs" c="dimmed" className="break">
        {by.level}
        {by.since !== null && (
          <>
            {', since '}
            <Time value={by.since} />
          </>
        )}
      </Text>
    </div>
  );
}
