import type { Preview } from '../delivery/preview/preview.ts';
import type { LinkAnswer } from './follow-links.ts';
import type { PreviewView } from './schemas/templates.ts';

/** Returns a preview as the API shows it. @param answers of the links that were asked for */
export function toPreviewView(
  made: Preview,
  answers: readonly LinkAnswer[],
): Omit<PreviewView, 'notification_type' | 'channel'> {
  const { locale, wantedLocale, message, darkHtml, htmlBytes, sms, links, findings, data } = made;
  const byUrl = new Map(answers.map((answer) => [answer.url, answer]));
  const silent = answers.filter(({ status }) => status === null || status >= 400);
  return {
    locale,
    wanted_locale: wantedLocale,
    message: message as PreviewView['message'],
    ...(darkHtml === undefined ? {} : { dark_html: darkHtml }),
    ...(htmlBytes === undefined ? {} : { html_bytes: htmlBytes }),
    ...(sms && {
      sms: { encoding: sms.encoding, parts: sms.parts, units: sms.units, units_per_part: sms.unitsPerPart },
    }),
    links: links.map(({ url, kind }) => {
      const answer = byUrl.get(url);
      return { url, kind, ...(answer && { status: answer.status }) };
    }),
    findings: [
      ...findings,
      ...silent.map(({ url, status, reason }) => ({
        code: 'link_not_answering' as const,
        severity: 'warning' as const,
        message: `the link ${JSON.stringify(url.slice(0, 200))} ${status === null ? `does not answer: ${reason}` : `answers ${status}`}`,
      })),
    ],
    data,
  };
}
