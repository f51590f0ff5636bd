import { compileTemplate, explainBlank, renderMessage } from '../../src/templates/template.ts';

/** Templates given as text, compiled and rendered with plain data. */

type Template = Parameters<typeof compileTemplate>[0];
type Parts = Template['parts'];
type Channel = Template['channel'];
export type TemplateData = Parameters<typeof renderMessage>[1];
type Rendered = Extract<ReturnType<typeof renderMessage>, { message: unknown }>['message'];
type Problems = Extract<ReturnType<typeof compileTemplate>, { problems: unknown }>['problems'];

export const DATA: TemplateData = {
  event: {
    name: 'Ann',
    evil: '<script>alert("1")</script>',
    amount: 1234.5,
    currency: 'EUR',
    zero: 0,
    no: false,
    nothing: null,
    items: [
      { name: 'tea', qty: 2 },
      { name: 'cake', qty: 1 },
    ],
    labels: { open: 'Open', closed: 'Closed' },
    status: 'closed',
    due: '2025-11-20T23:30:00Z',
    link: 'https://x.example/?a=1&b=2',
    trap: 'javascript:alert(1)',
  },
  traits: {},
  user: { first_name: 'Maria', time_zone: 'Europe/Lisbon' },
  notification: { id: 'n-1', type: 'T', channel: 'email' },
};

export function compile(parts: Parts, channel: Channel = 'email', locale = 'en') {
  return compileTemplate({ notificationType: 'T', channel, locale, parts });
}

/** Returns the mistakes of a template, an empty list for a valid one. */
export function listTemplateProblems(parts: Parts, channel: Channel = 'email'): Problems {
  const compiled = compile(parts, channel);
  return 'problems' in compiled ? compiled.problems : [];
}

/** Returns the message. Throws if the template has mistakes or cannot be rendered with this data. */
export function render(parts: Parts, data: TemplateData = DATA, channel: Channel = 'email', locale = 'en'): Rendered {
  const compiled = compile(parts, channel, locale);
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  const rendered = renderMessage(compiled.template, data);
  if ('error' in rendered) throw new Error(rendered.error);
  return rendered.message;
}

/** Renders one text template. */
export function renderText(source: string, data: TemplateData = DATA, locale = 'en'): string {
  return render({ text: source }, data, 'sms', locale).text;
}

/** Renders one HTML template. */
export function renderHtml(source: string, data: TemplateData = DATA): string | undefined {
  return render({ subject: 's', html: source }, data).html;
}

/** Returns the first mistake of a text template, as `message (hint)`; an empty text if it has no mistake. */
export function formatFirstProblem(source: string): string {
  const [first] = listTemplateProblems({ text: source }, 'sms');
  return first === undefined ? '' : `${first.message}${first.hint === undefined ? '' : ` (${first.hint})`}`;
}

/** Returns the reason why a valid text template cannot be rendered with this data; an empty text if it can. */
export function renderError(source: string, data: TemplateData): string {
  const compiled = compile({ text: source }, 'sms');
  if ('problems' in compiled) throw new Error('it does not compile');
  const rendered = renderMessage(compiled.template, data);
  return 'error' in rendered ? rendered.error : '';
}

/** Returns the reason why the message of an HTML template is blank; an empty text if a reader sees something. */
export function explainBlankHtml(html: string, data: TemplateData = DATA): string {
  const compiled = compile({ subject: 's', html });
  if ('problems' in compiled) throw new Error('it does not compile');
  return explainBlank(compiled.template, render({ subject: 's', html }, data), data) ?? '';
}
