import { Group, NativeSelect, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RenderRequest } from '@tidings/client/types';
import { useState } from 'react';
import { getCatalogVersions } from '../api/catalog.ts';
import { type Files, getCatalogFiles } from '../api/drafts.ts';
import { TextDiff } from '../catalog/TextDiff.tsx';
import { useParameter } from '../route.ts';
import type { Draft } from '../rules/draft.ts';
import { useDelayed } from '../rules/use-delayed.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { PictureDiff } from './PictureDiff.tsx';
import { listTemplateFiles, type Place, toPlaceName } from './places.ts';
import { useRenderOf } from './use-render.ts';

/** The draft, among versions. */
const DRAFT = 'draft';
const TYPED_AFTER_MS = 600;

interface ChangesTabProps {
  readonly draft: Draft | null;
  /** Notification type. */
  readonly name: string;
  readonly places: readonly Place[];
}

/** Differences of two versions of the templates, or of one and the draft: by source, and by picture. */
export function ChangesTab({ draft, name, places }: ChangesTabProps) {
  const versions = useQuery({ queryKey: ['catalog', 'versions'], queryFn: getCatalogVersions });
  const [fromText, setFrom] = useParameter('from');
  const [toText, setTo] = useParameter('to');
  if (versions.error) return <ProblemView problem={versions.error} retry={() => void versions.refetch()} />;
  if (versions.isPending) return <Skeleton height={160} />;
  const all = versions.data.versions.map(({ version }) => String(version));
  const active = String(versions.data.versions.find((one) => one.active)?.version ?? all[0] ?? '');
  const isChanged = draft !== null && draft.changed.length > 0;
  const earlier = all.find((one) => Number(one) < Number(active)) ?? active;
  const to = [...all, ...(isChanged ? [DRAFT] : [])].find((one) => one === toText) ?? (isChanged ? DRAFT : active);
  const from = all.find((one) => one === fromText) ?? (to === DRAFT ? active : earlier);
  const nameOf = (one: string) =>
    one === DRAFT
      ? t('Draft')
      : one === active
        ? t('Version {version}, active', { version: one })
        : t('Version {version}', { version: one });
  return (
    <Stack gap="md">
      <Group gap="sm">
        <NativeSelect
          label={t('From version')}
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
          data={all.map((value) => ({ value, label: nameOf(value) }))}
          data-testid="changes-from"
        />
        <NativeSelect
          label={t('To version')}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          data={[...(isChanged ? [DRAFT] : []), ...all].map((value) => ({ value, label: nameOf(value) }))}
          data-testid="changes-to"
        />
      </Group>
      <SourceChanges draft={draft} name={name} from={from} to={to} />
      <Pictures draft={draft} name={name} places={places} from={from} to={to} nameOf={nameOf} />
    </Stack>
  );
}

/** Returns the files of a version, or of the draft; null: they are not kept. */
function useFilesOf(which: string, draft: Draft | null) {
  const stored = useQuery({
    queryKey: ['catalog', 'files', which],
    queryFn: () => getCatalogFiles(Number(which)),
    enabled: which !== DRAFT,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const files: Files | null | undefined = which === DRAFT ? draft?.files : stored.data?.files;
  return { files, error: stored.error };
}

function SourceChanges({ draft, name, from, to }: Omit<ChangesTabProps, 'places'> & { from: string; to: string }) {
  const before = useFilesOf(from, draft);
  const after = useFilesOf(to, draft);
  const error = before.error ?? after.error;
  if (error) return <ProblemView problem={error} />;
  if (before.files === undefined || after.files === undefined) return <Skeleton height={80} />;
  const [old, now] = [before.files, after.files];
  if (old === null || now === null) return <Text size="sm">{t('The files of one of the versions are not kept.')}</Text>;
  const paths = [...new Set([...listTemplateFiles(name, old), ...listTemplateFiles(name, now)])];
  const changed = paths.filter((path) => old[path] !== now[path]);
  return (
    <Stack gap="sm" component="section" aria-label={t('By source')} data-testid="source-changes">
      <Title order={2} size="h4">
        {t('By source')}
      </Title>
      {changed.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('No differences.')}
        </Text>
      )}
      {changed.map((path) => (
        <TextDiff key={path} name={path} before={old[path] ?? ''} after={now[path] ?? ''} />
      ))}
    </Stack>
  );
}

interface PicturesProps extends ChangesTabProps {
  readonly from: string;
  readonly to: string;
  readonly nameOf: (which: string) => string;
}

function Pictures({ draft, name, places, from, to, nameOf }: PicturesProps) {
  const [chosen, setChosen] = useParameter('template');
  const [userId, setUserId] = useState('');
  const user = useDelayed(userId.trim(), TYPED_AFTER_MS) ?? '';
  const place = places.find((one) => toPlaceName(one) === chosen) ?? places[0];
  if (!place) return null;
  return (
    <Stack gap="sm" component="section" aria-label={t('By picture')} data-testid="picture-changes">
      <Title order={2} size="h4">
        {t('By picture')}
      </Title>
      <Group gap="sm">
        <NativeSelect
          label={t('Template')}
          value={toPlaceName(place)}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={places.map((one) => ({
            value: toPlaceName(one),
            label: [CHANNELS[one.channel as keyof typeof CHANNELS]?.label ?? one.channel, one.locale, one.variant]
              .filter(Boolean)
              .join(', '),
          }))}
          data-testid="changes-template"
        />
        <TextInput
          label={t('User ID')}
          placeholder={t('a sample')}
          value={userId}
          onChange={(event) => setUserId(event.currentTarget.value)}
          autoComplete="off"
        />
      </Group>
      <Both draft={draft} name={name} place={place} user={user} from={from} to={to} nameOf={nameOf} />
    </Stack>
  );
}

function Both({
  draft,
  name,
  place: { channel, locale, variant },
  user,
  from,
  to,
  nameOf,
}: Omit<PicturesProps, 'places'> & { readonly place: Place; readonly user: string }) {
  const toRequest = (which: string): RenderRequest => ({
    notification_type: name,
    cells: [
      {
        channel: channel as RenderRequest['cells'][number]['channel'],
        locale,
        ...(variant !== null && { variant }),
        ...(user !== '' && { user_id: user, last_event: true }),
      },
    ],
    ...(which === DRAFT ? { files: draft?.files ?? {} } : { version: Number(which) }),
  });
  const before = useRenderOf(toRequest(from), true);
  const after = useRenderOf(toRequest(to), true);
  const error = before.error ?? after.error;
  if (error) return <ProblemView problem={error} />;
  const [old, now] = [before.data?.cells[0], after.data?.cells[0]];
  if (!old || !now) return <Skeleton height={320} />;
  const problem = [old, now].map((one) => one.problem?.message ?? toFinding(one)).find((one) => one !== undefined);
  if (problem !== undefined) return <Text size="sm">{problem}</Text>;
  return <PictureDiff before={old.preview?.message} after={now.preview?.message} names={[nameOf(from), nameOf(to)]} />;
}

/** Returns why a message cannot be rendered. */
function toFinding({ preview }: { preview?: { message: object | null; findings: readonly { message: string }[] } }) {
  return preview?.message === null
    ? (preview.findings[0]?.message ?? t('It cannot be rendered; the finding says why.'))
    : undefined;
}
