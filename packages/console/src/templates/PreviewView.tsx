import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Preview, PreviewFinding, PreviewRequest } from '@tidings/client/types';
import { previewTemplate } from '../api/templates.ts';
import { MessageView } from '../message/MessageView.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { IconAlert, IconAlertOctagon } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';

/** A rendered message, its sizes, links and findings, and the data it was rendered with. */
export function PreviewView({ request }: { request: PreviewRequest }) {
  const preview = useQuery({
    queryKey: ['preview', request],
    queryFn: () => previewTemplate(request),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    // The view that was chosen, as the dark one, stays while another message is rendered.
    placeholderData: (before) => before,
  });
  if (preview.error) return <ProblemView problem={preview.error} retry={() => preview.refetch()} />;
  if (preview.isPending) return <Skeleton height={320} />;
  const { message, channel, dark_html: dark, findings, data } = preview.data;
  return (
    <Stack gap="md" data-testid="preview" aria-busy={preview.isPlaceholderData} className="preview-message">
      <Findings findings={findings} />
      <Paper withBorder p="md" component="section" aria-label={t('Message')}>
        <Stack gap="md">
          {message === null ? (
            <Text size="sm">{t('It cannot be rendered; the finding says why.')}</Text>
          ) : (
            <MessageView
              // A message without HTML begins with its text.
              key={`${channel} ${message.html === undefined}`}
              message={{ ...message, channel }}
              address={t('a preview; nothing was sent')}
              dark={dark}
            />
          )}
          <Sizes preview={preview.data} />
        </Stack>
      </Paper>
      <Links links={preview.data.links} />
      <Disclosure label={t('Data that it was rendered with')} testId="preview-data">
        <Fields values={data} />
      </Disclosure>
    </Stack>
  );
}

const SEVERITIES: Record<PreviewFinding['severity'], Look> = {
  error: { label: t('Would not be sent'), color: 'red', Icon: IconAlertOctagon },
  warning: { label: t('Warning'), color: 'orange', Icon: IconAlert },
};

/** Findings about a message. */
export function Findings({ findings }: { findings: readonly PreviewFinding[] }) {
  if (findings.length === 0) {
    return (
      <Text size="sm" c="dimmed" data-testid="preview-findings">
        {t('No findings.')}
      </Text>
    );
  }
  return (
    <Stack gap="xs" data-testid="preview-findings">
      {findings.map(({ code, severity, part, message }) => (
        <Text key={`${code} ${part} ${message}`} component="div" size="sm" className="break">
          <StatusBadge look={SEVERITIES[severity] ?? SEVERITIES.warning} /> {part !== undefined && `${part}: `}
          {message} <span className="name">{code}</span>
        </Text>
      ))}
    </Stack>
  );
}

/** Locale and sizes of a message. */
export function Sizes({ preview: { locale, wanted_locale: wanted, html_bytes: bytes, sms } }: { preview: Preview }) {
  return (
    <dl className="fields words" data-testid="preview-sizes">
      <dt>{t('Locale')}</dt>
      <dd>
        {wanted === null || wanted === locale ? locale : t('{locale}, in the place of {wanted}', { locale, wanted })}
      </dd>
      {bytes !== undefined && (
        <>
          <dt>{t('HTML')}</dt>
          <dd>{t('{size, number} KB of the 102 KB that Gmail shows', { size: Math.ceil(bytes / 1024) })}</dd>
        </>
      )}
      {sms !== undefined && (
        <>
          <dt>{t('SMS')}</dt>
          <dd>
            {t(
              '{parts, plural, one {# segment} other {# segments}} that are billed, {encoding}, {units} units of {unitsPerPart} a segment',
              { parts: sms.parts, encoding: sms.encoding, units: sms.units, unitsPerPart: sms.units_per_part },
            )}
          </dd>
        </>
      )}
    </dl>
  );
}

function Links({ links }: Pick<Preview, 'links'>) {
  if (links.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t('Links')}>
      <Title order={2} size="h4">
        {t('Links')}
      </Title>
      <LinkList links={links} />
    </Stack>
  );
}

/** Links and pictures of a message. */
export function LinkList({ links }: Pick<Preview, 'links'>) {
  return (
    <ul className="job-groups" data-testid="preview-links">
      {links.map(({ url, kind, status }) => (
        <li key={`${kind} ${url}`}>
          <Text size="sm" className="break">
            {kind}: {url}
            {status !== undefined &&
              ` ${status === null ? t('(does not answer)') : t('(answers with {status})', { status })}`}
          </Text>
        </li>
      ))}
    </ul>
  );
}
