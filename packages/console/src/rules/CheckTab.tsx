import { Skeleton, Stack, Text } from '@mantine/core';
import type { DraftCheck } from '@tidings/client/types';
import { ProblemView } from '../shell/ProblemView.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { ProblemList } from './ProblemList.tsx';

/** Returns how many problems a check found; it may not have ended. */
export function toCheckText(check: DraftCheck | undefined, isFetching: boolean): string {
  if (!check || isFetching) return t('Checking…');
  const { errors, warnings } = check;
  if (errors + warnings === 0) return t('No problems');
  return t('{errors, plural, one {# error} other {# errors}}, {warnings, plural, one {# warning} other {# warnings}}', {
    errors,
    warnings,
  });
}

interface CheckTabProps {
  readonly check: DraftCheck | undefined;
  readonly error: Error | null;
  readonly onOpen: (file: string, line: number) => void;
}

/** Problems in all files of the draft, and how much the draft changes. */
export function CheckTab({ check, error, onOpen }: CheckTabProps) {
  if (error) return <ProblemView problem={error} />;
  if (!check) return <Skeleton height={80} />;
  return (
    <Stack gap="sm">
      <Text size="sm" role="status" data-testid="check-summary">
        {check.problems.length === 0 ? t('The checker finds no problems.') : toCheckText(check, false)}
        {check.ok &&
          check.differences.length > 0 &&
          ` ${t('The draft changes {count, plural, one {# part} other {# parts}}.', { count: check.differences.length })}`}
      </Text>
      <ProblemList problems={check.problems} onOpen={onOpen} />
      {check.waiting.map(({ rule, waits, users }) => (
        <Text key={rule} size="sm">
          <T
            text="{waits, plural, one {# pending wait} other {# pending waits}} of {users, plural, one {# user} other {# users}} in {rule} end by the version in which they began."
            values={{ waits, users, rule: <span className="name">{rule}</span> }}
          />
        </Text>
      ))}
    </Stack>
  );
}
