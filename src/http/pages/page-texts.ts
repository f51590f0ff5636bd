import { listLookupLocales } from '../../lib/text/locale.ts';
import type { Category } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';

/** Texts of the page of preferences in one language. */
export interface PageTexts {
  readonly language: string;
  readonly title: string;
  /** `{address}`: the masked address that the link was sent to. */
  readonly about: string;
  readonly all: string;
  readonly everything: string;
  readonly byChannel: string;
  readonly whole: string;
  readonly save: string;
  readonly saved: string;
  readonly old: string;
  readonly stop: string;
  readonly stopped: string;
  readonly fresh: string;
  readonly freshSent: string;
  readonly categories: { readonly [category in Category]: string };
  readonly channels: { readonly [channel in Channel]?: string };
  /** Why a switch is grey, by the code of what decides; `above`: a broader switch of the user. */
  readonly reasons: { readonly [code: string]: string };
}

const EN: PageTexts = {
  language: 'en',
  title: 'Your messages',
  about: 'Choose what is sent to you. This link was sent to {address}.',
  all: 'In general',
  everything: 'Send me messages',
  byChannel: 'Ways to reach you',
  whole: 'All of these',
  save: 'Save',
  saved: 'Your choice is saved.',
  old: 'This link is old. With it you can stop messages; to choose again what you get, ask for a new link.',
  stop: 'Stop all messages that are not necessary',
  stopped: 'You get only what is necessary from now on.',
  fresh: 'Send me a new link',
  freshSent: 'A new link is on its way to you.',
  categories: {
    TRANSACTIONAL: 'Orders and payments',
    MARKETING: 'News and offers',
    SYSTEM: 'Service',
    SECURITY: 'Security',
    OPERATIONAL: 'Your account',
  },
  channels: { email: 'Email', sms: 'Text message', push: 'Push', in_app: 'In the app' },
  reasons: {
    required: 'necessary, always on',
    tenant_on: 'always on',
    tenant_off: 'not offered',
    consent_missing: 'needs your consent first',
    consent_withdrawn: 'you withdrew your consent',
    suppressed: 'nothing can be sent to this address',
    above: 'turned off by a switch above',
  },
};

const DE: PageTexts = {
  language: 'de',
  title: 'Ihre Nachrichten',
  about: 'Wählen Sie, was Sie bekommen. Dieser Link ging an {address}.',
  all: 'Allgemein',
  everything: 'Nachrichten senden',
  byChannel: 'Wege zu Ihnen',
  whole: 'Alle davon',
  save: 'Speichern',
  saved: 'Ihre Auswahl ist gespeichert.',
  old: 'Dieser Link ist alt. Sie können damit Nachrichten beenden; um neu zu wählen, fordern Sie einen neuen Link an.',
  stop: 'Alle Nachrichten beenden, die nicht nötig sind',
  stopped: 'Sie bekommen ab jetzt nur noch, was nötig ist.',
  fresh: 'Neuen Link senden',
  freshSent: 'Ein neuer Link ist unterwegs zu Ihnen.',
  categories: {
    TRANSACTIONAL: 'Bestellungen und Zahlungen',
    MARKETING: 'Neuigkeiten und Angebote',
    SYSTEM: 'Dienst',
    SECURITY: 'Sicherheit',
    OPERATIONAL: 'Ihr Konto',
  },
  channels: { email: 'Mail', sms: 'Textnachricht', push: 'Push', in_app: 'In der App' },
  reasons: {
    required: 'notwendig, immer an',
    tenant_on: 'immer an',
    tenant_off: 'nicht angeboten',
    consent_missing: 'braucht erst Ihre Einwilligung',
    consent_withdrawn: 'Sie haben die Einwilligung widerrufen',
    suppressed: 'an diese Adresse kann nichts gesendet werden',
    above: 'weiter oben abgeschaltet',
  },
};

const ES: PageTexts = {
  language: 'es',
  title: 'Tus mensajes',
  about: 'Elige qué te enviamos. Este enlace se envió a {address}.',
  all: 'En general',
  everything: 'Enviarme mensajes',
  byChannel: 'Formas de llegar a ti',
  whole: 'Todos estos',
  save: 'Guardar',
  saved: 'Tu elección está guardada.',
  old: 'Este enlace es antiguo. Con él puedes detener mensajes; para volver a elegir, pide un enlace nuevo.',
  stop: 'Detener todos los mensajes que no son necesarios',
  stopped: 'A partir de ahora solo recibes lo necesario.',
  fresh: 'Enviarme un enlace nuevo',
  freshSent: 'Un enlace nuevo está en camino.',
  categories: {
    TRANSACTIONAL: 'Pedidos y pagos',
    MARKETING: 'Novedades y ofertas',
    SYSTEM: 'Servicio',
    SECURITY: 'Seguridad',
    OPERATIONAL: 'Tu cuenta',
  },
  channels: { email: 'Correo', sms: 'Mensaje de texto', push: 'Push', in_app: 'En la aplicación' },
  reasons: {
    required: 'necesario, siempre activo',
    tenant_on: 'siempre activo',
    tenant_off: 'no se ofrece',
    consent_missing: 'necesita antes tu consentimiento',
    consent_withdrawn: 'retiraste tu consentimiento',
    suppressed: 'no se puede enviar nada a esta dirección',
    above: 'desactivado más arriba',
  },
};

const ALL: { readonly [language: string]: PageTexts } = { en: EN, de: DE, es: ES };

/** Returns the texts in the first of these locales that has some; in English for others. */
export function findPageTexts(locales: readonly (string | undefined)[]): PageTexts {
  for (const locale of locales) {
    for (const candidate of listLookupLocales(locale ?? '')) {
      if (Object.hasOwn(ALL, candidate)) return ALL[candidate] as PageTexts;
    }
  }
  return EN;
}
