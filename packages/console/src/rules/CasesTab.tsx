import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { DraftCases } from '@tidings/client/types';
import { useState } from 'react';
import { makeCase, runCases } from '../api/drafts.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';
import { changeFile, type Draft } from './draft.ts';

export const CASES_FILE = 'cases.yaml';

interface CasesTabProps {
  readonly draft: Draft;
  readonly onOpen: (file: string, line: number) => void;
}

/** The cases of the draft, which can be run, and a case that is made of an event that really came. */
export function CasesTab({ draft, onOpen }: CasesTabProps) {
  const run = useMutation({ mutationFn: () => runCases(draft.files) });
  const hasCases = draft.files[CASES_FILE] !== undefined;
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button
          size="xs"
          leftSection={<IconPlay size={14} />}
          onClick={() => !run.isPending && run.mutate()}
          aria-busy={run.isPending}
          data-testid="cases-run"
        >
          {t('Run the cases')}
        </Button>
        {!hasCases && (
          <Text size="sm" c="dimmed">
            {t('There is no {file} yet: make a case of an event below.', { file: CASES_FILE })}
          </Text>
        )}
      </Group>
      <div role="status">
        {run.data && (
          <Text size="sm" fw={600} data-testid="cases-summary">
            {t('{passed, number} passed, {failed, number} failed, {left, number} not run', {
              passed: run.data.passed,
              failed: run.data.failed,
              left: run.data.left_out,
            })}
          </Text>
        )}
      </div>
      {run.error && <ProblemView problem={run.error} />}
      {run.data?.cases.map((one) => (
        <CaseView key={`${one.line} ${one.name}`} result={one} onOpen={onOpen} />
      ))}
      <FromEvent draft={draft} onOpen={onOpen} />
    </Stack>
  );
}

function CaseView({ result, onOpen }: { result: DraftCases['cases'][number] } & Pick<CasesTabProps, 'onOpen'>) {
  const { name, line, passed, failures, timeline } = result;
  return (
    <div className="case" data-testid="case" data-passed={passed}>
      <Text size="sm" className="break">
        {passed ? t('✓ passed') : t('✗ failed')}:{' '}
        <button type="button" className="link-button" onClick={() => onOpen(CASES_FILE, line)}>
          {name}
        </button>
      </Text>
      {failures.map((failure) => (
        <Text key={`${failure.line} ${failure.message}`} size="sm" className="break" data-testid="case-failure">
          {t('Line {line}: {message}', { line: failure.line, message: failure.message })}
          {failure.closest !== undefined && ` ${t('Closest: {decision}', { decision: failure.closest })}`}
        </Text>
      ))}
      {!passed && (
        <Disclosure label={t('What happened')}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <section className="patch" tabIndex={0} aria-label={t('What happened')}>
            <pre>{timeline.join('\n')}</pre>
          </section>
        </Disclosure>
      )}
    </div>
  );
}

/** Adds a case to the draft that is made of a stored event. */
function FromEvent({ draft, onOpen }: CasesTabProps) {
  const [userId, setUserId] = useState('');
  const [eventId, setEventId] = useState('');
  const make = useMutation({
    mutationFn: () => makeCase(draft.files, userId.trim(), eventId.trim()),
    onSuccess: ({ yaml }) => {
      const before = draft.files[CASES_FILE];
      const text = before === undefined ? yaml : appendCase(before, yaml);
      changeFile(draft, CASES_FILE, text);
      onOpen(CASES_FILE, text.trimEnd().split('\n').length);
    },
  });
  const isFilled = userId.trim() !== '' && eventId.trim() !== '';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isFilled && !make.isPending) make.mutate();
      }}
      aria-label={t('Make a case of an event')}
    >
      <Stack gap="xs">
        <Text size="sm" fw={600}>
          {t('Make a case of an event')}
        </Text>
        <Text size="xs" c="dimmed">
          {t(
            'With the events before it. Ids, addresses and names are replaced; look over free text before it goes into git.',
          )}
        </Text>
        <TextInput
          label={t('User')}
          value={userId}
          onChange={(event) => setUserId(event.currentTarget.value)}
          autoComplete="off"
          data-testid="case-user"
        />
        <TextInput
          label={t('Event')}
          description={t('Its id, as the timeline of the user has it')}
          value={eventId}
          onChange={(event) => setEventId(event.currentTarget.value)}
          autoComplete="off"
          data-testid="case-event"
        />
        {make.error && <ProblemView problem={make.error} />}
        <Group>
          <Button type="submit" size="xs" variant="default" aria-disabled={!isFilled} data-testid="case-make">
            {t('Add the case to the draft')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Adds the case of a file to the list of another one, whose items may be indented. */
function appendCase(file: string, added: string): string {
  const indent = /^([ \t]*)- /m.exec(file.slice(file.search(/^cases:/m)))?.[1] ?? '  ';
  const lines = added.trimEnd().split('\n').slice(1);
  const own = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0;
  return `${file.trimEnd()}\n\n${lines.map((line) => (line === '' ? '' : indent + line.slice(own))).join('\n')}\n`;
}
