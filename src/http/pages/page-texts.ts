import { listLookupLocales } from '../../lib/text/locale.ts';
import type { Category } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';

/** Texts of the page of preferences in one language. */
export interface PageTexts {
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
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
  /** The link is not sent: the plan has dropped it. */
  readonly freshNotSent: string;
  /** Page to unsubscribe: its title and button, and the question. `{kind}`: the name of a category, or `thisKind`. */
  readonly unsubscribe: string;
  readonly unsubscribeAsk: string;
  readonly unsubscribed: string;
  readonly unsubscribedText: string;
  readonly thisKind: string;
  /** The way from there to the page of preferences. */
  readonly more: string;
  /** Page that confirms consent: its title, question and button. `{kind}`: the name of a category; `{address}`: masked. */
  readonly confirmTitle: string;
  readonly confirmAsk: string;
  readonly confirm: string;
  readonly confirmed: string;
  readonly confirmedText: string;
  readonly confirmExpired: string;
  readonly confirmExpiredText: string;
  /** Page for a link that leads nowhere. */
  readonly gone: string;
  readonly goneText: string;
  readonly categories: { readonly [category in Category]: string };
  readonly channels: { readonly [channel in Channel]?: string };
  /** Why a switch is grey, by the code of what decides; `above`: a broader switch of the user. */
  readonly reasons: { readonly [code: string]: string };
}

const EN: PageTexts = {
  language: 'en',
  direction: 'ltr',
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
  freshNotSent: 'No link can be sent to you: messages like it are turned off.',
  unsubscribe: 'Unsubscribe',
  unsubscribeAsk: 'Do you want no more of these messages at this address: {kind}?',
  unsubscribed: 'Unsubscribed',
  unsubscribedText: 'This address gets no more of these messages: {kind}.',
  thisKind: 'messages of this kind',
  more: 'Choose what else is sent to you',
  confirmTitle: 'Please confirm',
  confirmAsk:
    'Do you want these messages to be sent to {address}: {kind}? If you did not ask for them, close this page: nothing is sent without your confirmation.',
  confirm: 'Yes, I want them',
  confirmed: 'Confirmed',
  confirmedText: 'Thank you. You get these messages at {address} from now on: {kind}.',
  confirmExpired: 'This link has expired',
  confirmExpiredText: 'Sign up once more to get a new one. Nothing was changed.',
  gone: 'This link leads nowhere',
  goneText: 'It may not be complete: copy it from the message once more. Nothing was changed.',
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
  direction: 'ltr',
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
  freshNotSent: 'An Sie kann kein Link gesendet werden: Solche Nachrichten sind abgeschaltet.',
  unsubscribe: 'Abbestellen',
  unsubscribeAsk: 'Möchten Sie an dieser Adresse keine solchen Nachrichten mehr: {kind}?',
  unsubscribed: 'Abbestellt',
  unsubscribedText: 'An diese Adresse gehen keine solchen Nachrichten mehr: {kind}.',
  thisKind: 'Nachrichten dieser Art',
  more: 'Wählen Sie, was Sie sonst bekommen',
  confirmTitle: 'Bitte bestätigen Sie',
  confirmAsk:
    'Möchten Sie diese Nachrichten an {address} bekommen: {kind}? Falls Sie nicht darum gebeten haben, schließen Sie diese Seite: ohne Ihre Bestätigung wird nichts gesendet.',
  confirm: 'Ja, ich möchte sie',
  confirmed: 'Bestätigt',
  confirmedText: 'Danke. Sie bekommen diese Nachrichten von nun an unter {address}: {kind}.',
  confirmExpired: 'Dieser Link ist abgelaufen',
  confirmExpiredText: 'Melden Sie sich noch einmal an, um einen neuen zu bekommen. Es wurde nichts geändert.',
  gone: 'Dieser Link führt nirgendwohin',
  goneText:
    'Vielleicht ist er nicht vollständig: Kopieren Sie ihn noch einmal aus der Nachricht. Es wurde nichts geändert.',
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
  direction: 'ltr',
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
  freshNotSent: 'No se te puede enviar un enlace: estos mensajes están desactivados.',
  unsubscribe: 'Darse de baja',
  unsubscribeAsk: '¿No quieres recibir más mensajes de este tipo en esta dirección: {kind}?',
  unsubscribed: 'Baja realizada',
  unsubscribedText: 'Esta dirección no recibe más mensajes de este tipo: {kind}.',
  thisKind: 'mensajes como este',
  more: 'Elige qué más te enviamos',
  confirmTitle: 'Confirma, por favor',
  confirmAsk:
    '¿Quieres recibir estos mensajes en {address}: {kind}? Si no los has pedido, cierra esta página: sin tu confirmación no se envía nada.',
  confirm: 'Sí, los quiero',
  confirmed: 'Confirmado',
  confirmedText: 'Gracias. A partir de ahora recibirás estos mensajes en {address}: {kind}.',
  confirmExpired: 'Este enlace ha caducado',
  confirmExpiredText: 'Suscríbete otra vez para recibir uno nuevo. No se ha cambiado nada.',
  gone: 'Este enlace no lleva a ninguna parte',
  goneText: 'Puede que no esté completo: cópialo otra vez del mensaje. No se ha cambiado nada.',
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

const AR: PageTexts = {
  language: 'ar',
  direction: 'rtl',
  title: 'رسائلك',
  about: 'اختر ما يُرسَل إليك. أُرسل هذا الرابط إلى {address}.',
  all: 'عام',
  everything: 'أرسلوا لي رسائل',
  byChannel: 'طرق الوصول إليك',
  whole: 'كل هذه',
  save: 'حفظ',
  saved: 'تم حفظ اختيارك.',
  old: 'هذا الرابط قديم. يمكنك به إيقاف الرسائل؛ ولتختار من جديد، اطلب رابطًا جديدًا.',
  stop: 'إيقاف كل الرسائل غير الضرورية',
  stopped: 'من الآن فصاعدًا لن يصلك إلا ما هو ضروري.',
  fresh: 'أرسلوا لي رابطًا جديدًا',
  freshSent: 'رابط جديد في طريقه إليك.',
  freshNotSent: 'لا يمكن إرسال رابط إليك: هذه الرسائل متوقفة.',
  unsubscribe: 'إلغاء الاشتراك',
  unsubscribeAsk: 'هل تريد إيقاف هذه الرسائل على هذا العنوان: {kind}؟',
  unsubscribed: 'تم إلغاء الاشتراك',
  unsubscribedText: 'لن تصل هذه الرسائل إلى هذا العنوان بعد الآن: {kind}.',
  thisKind: 'رسائل من هذا النوع',
  more: 'اختر ما يُرسَل إليك غير ذلك',
  confirmTitle: 'يُرجى التأكيد',
  confirmAsk:
    'هل تريد أن تُرسَل هذه الرسائل إلى {address}: {kind}؟ إن لم تطلبها فأغلق هذه الصفحة: لن يُرسَل شيء دون تأكيدك.',
  confirm: 'نعم، أريدها',
  confirmed: 'تم التأكيد',
  confirmedText: 'شكرًا لك. ستصلك هذه الرسائل من الآن فصاعدًا على {address}: {kind}.',
  confirmExpired: 'انتهت صلاحية هذا الرابط',
  confirmExpiredText: 'اشترك مرة أخرى لتحصل على رابط جديد. لم يتغيّر شيء.',
  gone: 'هذا الرابط لا يؤدي إلى أي مكان',
  goneText: 'قد يكون ناقصًا: انسخه من الرسالة مرة أخرى. لم يتغيّر شيء.',
  categories: {
    TRANSACTIONAL: 'الطلبات والمدفوعات',
    MARKETING: 'الأخبار والعروض',
    SYSTEM: 'الخدمة',
    SECURITY: 'الأمان',
    OPERATIONAL: 'حسابك',
  },
  channels: { email: 'البريد الإلكتروني', sms: 'رسالة نصية', push: 'إشعار على الجهاز', in_app: 'داخل التطبيق' },
  reasons: {
    required: 'ضروري، مفعّل دائمًا',
    tenant_on: 'مفعّل دائمًا',
    tenant_off: 'غير متاح',
    consent_missing: 'يحتاج إلى موافقتك أولًا',
    consent_withdrawn: 'سحبت موافقتك',
    suppressed: 'لا يمكن إرسال شيء إلى هذا العنوان',
    above: 'أُوقف بخيار أعلاه',
  },
};

const ALL: { readonly [language: string]: PageTexts } = { en: EN, de: DE, es: ES, ar: AR };

/** Returns the texts in the first of these locales that has some; in English for others. */
export function findPageTexts(locales: readonly (string | undefined)[]): PageTexts {
  for (const locale of locales) {
    for (const candidate of listLookupLocales(locale ?? '')) {
      if (Object.hasOwn(ALL, candidate)) return ALL[candidate] as PageTexts;
    }
  }
  return EN;
}
