import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { AuditEntry, AuditLogPage } from '@tidings/client/types';
import { type FormEvent, useState } from 'react';
import { exportAuditLog, getAuditLog } from '../api/govern.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { type AuditFilter, setParameter } from '../route.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { EmptyState } from '../shell/EmptyState.tsx';
import { Fields } from '../shell/Fields.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { saveFile } from '../shell/save-file.ts';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { t } from '../text/text.ts';

const FIELDS: Record<keyof AuditFilter, { readonly label: string; readonly description: string }> = {
  actor: { label: t('Who'), description: t('Name or id, whole') },
  action: { label: t('Action'), description: t('Such as key.revoked, or key for all of keys') },
  subject: { label: t('What'), description: t('Id of what was changed') },
};

const NAMES = Object.keys(FIELDS) as (keyof AuditFilter)[];

const getId = ({ entry_id: id }: AuditEntry): string => id;
const mergePages = (pages: readonly AuditLogPage[]): AuditEntry[] =>
  uniqueBy(
    pages.flatMap(({ entries }) => entries),
    getId,
  );

/** Changes, newest first, each with its actor. */
export function AuditPage({ filter }: { filter: AuditFilter }) {
  return (
    <Stack gap="md">
      <PageTitle>{t('Audit log')}</PageTitle>
      <Permitted scope="audit_log:read">
        <FilterForm filter={filter} />
        <AuditList filter={filter} />
      </Permitted>
    </Stack>
  );
}

function FilterForm({ filter }: { filter: AuditFilter }) {
  const [typed, setTyped] = useState(filter);
  const save = useMutation({
    mutationFn: () => exportAuditLog(filter),
    onSuccess: (text) => saveFile('audit-log.ndjson', text, 'application/x-ndjson'),
    onError: (error) => announce(t('It could not be exported: {problem}.', { problem: error.message })),
  });
  const show = (event: FormEvent) => {
    event.preventDefault();
    for (const name of NAMES) setParameter(name, typed[name]?.trim() || null);
  };
  return (
    <form onSubmit={show}>
      <Group gap="sm" align="flex-end">
        {NAMES.map((name) => (
          <TextInput
            key={name}
            {...FIELDS[name]}
            value={typed[name] ?? ''}
            onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
            autoComplete="off"
            data-testid={`audit-${name}`}
          />
        ))}
        <Button type="submit" variant="default" data-testid="audit-show">
          {t('Show')}
        </Button>
        <ActionButton
          needs="audit_log:read"
          action="export"
          busy={save.isPending}
          onClick={() => save.mutate()}
          data-testid="export-audit"
        >
          {t('Export')}
        </ActionButton>
      </Group>
    </form>
  );
}

function AuditList({ filter }: { filter: AuditFilter }) {
  const list = useLivePages<AuditLogPage, AuditEntry>({
    key: ['audit-log', filter.actor, filter.action, filter.subject],
    load: (after) => getAuditLog(filter, after),
    mergePages,
    getId,
    topics: ['audit_log'],
    every: PAGE_MS,
  });
  return (
    <LiveList
      list={list}
      empty={
        <EmptyState title={t('No changes')}>
          {NAMES.some((name) => filter[name] !== null)
            ? t('Nothing was changed that fits the filter.')
            : t('Each change by a member, a key or a command appears here.')}
        </EmptyState>
      }
    >
      {(items) => <FactRows testId="audit" items={items} getId={getId} columns={COLUMNS} />}
    </LiveList>
  );
}

const COLUMNS = {
  [t('When')]: ({ at }: AuditEntry) => <Time value={at} />,
  [t('Who')]: ({ actor, actor_kind: kind, from }: AuditEntry) => (
    <>
      <Text size="sm" className="break">
        {actor}
      </Text>
      <Text size="xs" c="dimmed">
        {kind}
        {from !== null && `, ${from}`}
      </Text>
    </>
  ),
  [t('Action')]: ({ action }: AuditEntry) => <span className="name">{action}</span>,
  [t('What')]: ({ subject }: AuditEntry) => <span className="name break">{subject}</span>,
  [t('What changed')]: (entry: AuditEntry) => <Change entry={entry} />,
};

function Change({ entry: { detail, before, after } }: { entry: AuditEntry }) {
  const parts = Object.entries({ [t('Detail')]: detail, [t('Before')]: before, [t('After')]: after }).flatMap(
    ([label, values]) => (values === null || Object.keys(values).length === 0 ? [] : [{ label, values }]),
  );
  if (parts.length === 0) return null;
  return (
    <Disclosure label={t('Details')} testId="audit-detail">
      <Stack gap="xs">
        {parts.map(({ label, values }) => (
          <div key={label}>
            <Text size="xs" fw={600}>
              {label}
            </Text>
            <Fields values={values} />
          </div>
        ))}
      </Stack>
    </Disclosure>
  );
}
