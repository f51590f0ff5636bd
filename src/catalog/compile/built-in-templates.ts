import { listLocalesWithFallbacks } from '../../lib/text/locale.ts';
import { ADDRESS_VERIFICATION } from '../../model/built-in-types.ts';
import type { Channel } from '../../model/delivery.ts';
import type { LocaleFallbacks } from '../../model/tenant.ts';
import { type CompiledTemplate, compileTemplate } from '../../templates/template.ts';
import { DEFAULT_LOCALE } from '../locale.ts';

/** Texts of a message with a code: `email` is that of its email, `sms` that of its SMS. */
interface CodeTexts {
  readonly subject: string;
  readonly email: string;
  readonly sms: string;
}

const VERIFICATION: { readonly [locale: string]: CodeTexts } = {
  en: {
    subject: 'Your code{{#if app_name}} for {{app_name}}{{/if}}',
    email:
      'Your code is {{code}}.\n\nIt is valid for {{minutes}} minutes. If you did not ask for it, ignore this message.',
    sms: '{{code}} is your code{{#if app_name}} for {{app_name}}{{/if}}. It is valid for {{minutes}} minutes.',
  },
  de: {
    subject: 'Ihr Code{{#if app_name}} für {{app_name}}{{/if}}',
    email:
      'Ihr Code lautet {{code}}.\n\nEr gilt {{minutes}} Minuten. Wenn Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht.',
    sms: '{{code}} ist Ihr Code{{#if app_name}} für {{app_name}}{{/if}}. Er gilt {{minutes}} Minuten.',
  },
  es: {
    subject: 'Tu código{{#if app_name}} para {{app_name}}{{/if}}',
    email: 'Tu código es {{code}}.\n\nEs válido durante {{minutes}} minutos. Si no lo has pedido, ignora este mensaje.',
    sms: '{{code}} es tu código{{#if app_name}} para {{app_name}}{{/if}}. Es válido durante {{minutes}} minutos.',
  },
  fr: {
    subject: 'Votre code{{#if app_name}} pour {{app_name}}{{/if}}',
    email:
      'Votre code est {{code}}.\n\nIl est valable {{minutes}} minutes. Si vous ne l’avez pas demandé, ignorez ce message.',
    sms: '{{code}} est votre code{{#if app_name}} pour {{app_name}}{{/if}}. Il est valable {{minutes}} minutes.',
  },
  it: {
    subject: 'Il tuo codice{{#if app_name}} per {{app_name}}{{/if}}',
    email:
      'Il tuo codice è {{code}}.\n\nÈ valido per {{minutes}} minuti. Se non lo hai richiesto, ignora questo messaggio.',
    sms: '{{code}} è il tuo codice{{#if app_name}} per {{app_name}}{{/if}}. È valido per {{minutes}} minuti.',
  },
  pt: {
    subject: 'O seu código{{#if app_name}} para {{app_name}}{{/if}}',
    email: 'O seu código é {{code}}.\n\nÉ válido durante {{minutes}} minutos. Se não o pediu, ignore esta mensagem.',
    sms: '{{code}} é o seu código{{#if app_name}} para {{app_name}}{{/if}}. É válido durante {{minutes}} minutos.',
  },
};

const VARIABLES = { code: {}, minutes: {} };

const TEMPLATES: ReadonlyMap<string, CompiledTemplate> = new Map(
  Object.entries(VERIFICATION).flatMap(([locale, { subject, email, sms }]) => [
    compileBuiltIn('email', locale, { subject, text: email }),
    compileBuiltIn('sms', locale, { text: sms }),
  ]),
);

/**
 * Returns the built-in template of a type that Tidings itself sends, in the best of its languages; undefined: it sends no such
 * type.
 */
export function findBuiltInTemplate(
  notificationType: string,
  channel: Channel,
  locale: string,
  fallbacks: LocaleFallbacks | undefined,
): CompiledTemplate | undefined {
  if (notificationType !== ADDRESS_VERIFICATION) return undefined;
  for (const candidate of [...listLocalesWithFallbacks(locale, fallbacks), DEFAULT_LOCALE]) {
    const found = TEMPLATES.get(`${channel} ${candidate}`);
    if (found) return found;
  }
  return undefined;
}

function compileBuiltIn(
  channel: Channel,
  locale: string,
  parts: { readonly [part: string]: string },
): [string, CompiledTemplate] {
  const template = { notificationType: ADDRESS_VERIFICATION, channel, locale, parts };
  const compiled = compileTemplate(template, { own: VARIABLES });
  if ('problems' in compiled) throw new Error(compiled.problems[0]?.message);
  return [`${channel} ${locale}`, compiled.template];
}
