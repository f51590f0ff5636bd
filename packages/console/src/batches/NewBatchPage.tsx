import { Button, NativeSelect, NumberInput, Paper, Radio, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { BatchRequest } from '@tidings/client/types';
import { useState } from 'react';
import { createBatch } from '../api/batches.ts';
import { useRequestKey } from '../api/idempotency-key.ts';
import { getLists, getSegments } from '../api/lists.ts';
import type { CatalogNotification } from '../api/types.ts';
import { linkToBatch, openLink } from '../route.ts';
import { CatalogTypes } from '../send/CatalogTypes.tsx';
import { MessageFields } from '../send/MessageFields.tsx';
import { EMPTY_DRAFT, toRequest } from '../send/message-draft.ts';
import { announce } from '../shell/announce.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useZone } from '../shell/zone.ts';
import { t } from '../text/text.ts';

interface NewBatchPageProps {
  readonly list: string | null;
  readonly segment: string | null;
}

/** Page that creates a batch: what each recipient gets, and which users, if not those of a file that is added afterwards. */
export function NewBatchPage(given: NewBatchPageProps) {
  return (
    <Stack gap="md">
      <PageTitle>{t('New batch')}</PageTitle>
      <Permitted scope="batches:write">
        <CatalogTypes>{(types) => <BatchForm types={types} {...given} />}</CatalogTypes>
      </Permitted>
    </Stack>
  );
}

type Audience = 'file' | 'list' | 'segment';

function BatchForm({ types, list, segment }: NewBatchPageProps & { types: readonly CatalogNotification[] }) {
  const zone = useZone();
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const [name, setName] = useState('');
  const [rate, setRate] = useState<string | number>('');
  const [audience, setAudience] = useState<Audience>(list !== null ? 'list' : segment !== null ? 'segment' : 'file');
  const [chosen, setChosen] = useState(list ?? segment ?? '');
  const [isTried, setTried] = useState(false);
  const { keyOf } = useRequestKey();
  const { request: message, faults } = toRequest(
    draft,
    types.find((type) => type.name === draft.type),
    zone,
  );
  const isChosen = audience === 'file' || chosen !== '';
  const request: BatchRequest = {
    ...message,
    ...(name.trim() !== '' && { name: name.trim() }),
    ...(rate !== '' && { per_second: Number(rate) }),
    ...(audience === 'list' && { recipients: { list: chosen } }),
    ...(audience === 'segment' && { recipients: { segment: chosen } }),
  };
  const create = useMutation({
    mutationFn: () => createBatch(request, keyOf(request)),
    onSuccess: ({ batch_id: id }) => {
      announce(t('The batch is a draft. Nothing is sent before you start it.'));
      openLink(linkToBatch(id));
    },
  });
  return (
    <Paper withBorder p="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (isChosen && Object.keys(faults).length === 0 && !create.isPending) create.mutate();
        }}
      >
        <Stack gap="md" maw={640}>
          <TextInput
            label={t('Name')}
            description={t('For the list of batches')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-testid="batch-name-field"
          />
          <Radio.Group
            label={t('Recipients')}
            value={audience}
            onChange={(value) => {
              setAudience(value as Audience);
              setChosen('');
            }}
          >
            <Stack gap={6} mt={6}>
              <Radio value="file" label={t('of a file, which is added afterwards')} />
              <Radio value="list" label={t('the members of a list')} data-testid="audience-list" />
              <Radio value="segment" label={t('the users of a segment')} data-testid="audience-segment" />
            </Stack>
          </Radio.Group>
          {audience !== 'file' && (
            <AudienceField
              audience={audience}
              value={chosen}
              onChange={setChosen}
              fault={isTried && !isChosen ? t('Choose one.') : undefined}
            />
          )}
          <MessageFields types={types} draft={draft} faults={isTried ? faults : {}} onChange={setDraft} />
          <NumberInput
            label={t('Recipients per second, at most')}
            placeholder={t('no limit')}
            value={rate}
            onChange={setRate}
            min={1}
            max={100_000}
            allowDecimal={false}
            hideControls
          />
          {create.error && <ProblemView problem={create.error} />}
          <Button type="submit" aria-busy={create.isPending} style={{ alignSelf: 'start' }} data-testid="batch-create">
            {t('Create draft')}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}

interface AudienceFieldProps {
  readonly audience: 'list' | 'segment';
  readonly value: string;
  readonly fault: string | undefined;
  readonly onChange: (value: string) => void;
}

function AudienceField({ audience, value, fault, onChange }: AudienceFieldProps) {
  const choices = useQuery({
    queryKey: ['audiences', audience],
    queryFn: async () => {
      if (audience === 'segment')
        return (await getSegments()).segments.map(({ name }) => ({ value: name, label: name }));
      const { lists } = await getLists(null);
      return lists.map(({ list_id: id, name, members }) => ({ value: id, label: `${name} (${members})` }));
    },
  });
  if (choices.error) return <ProblemView problem={choices.error} retry={() => choices.refetch()} />;
  const known = choices.data ?? [];
  // One of a link that is not among the first page.
  const missing = value !== '' && !known.some((choice) => choice.value === value) ? [{ value, label: value }] : [];
  return (
    <NativeSelect
      label={audience === 'list' ? t('List') : t('Segment')}
      error={fault}
      data={[{ value: '', label: t('Choose one') }, ...known, ...missing]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data-testid="audience"
    />
  );
}
