import { createHmac, sign } from 'node:crypto';
import type { Millis } from '../../src/model/event.ts';
import type { Chance } from '../chance.ts';
import { type ProviderKeys, SMS_NUMBER } from './keys.ts';

/** A request with which a provider reports. */
export interface Report {
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export interface SentMail {
  readonly id: string;
  /** The account that receipts are for; null: that of the installation. */
  readonly place: string | null;
  readonly reference: { readonly tidings_key: string; readonly tidings_tenant?: string };
  /** Names the message in the same way in each seed of a number. */
  readonly name: string;
  readonly address: string;
  /** Whether its reader can unsubscribe. */
  readonly isBulk: boolean;
  readonly at: Millis;
}

export interface SentText {
  readonly sid: string;
  readonly number: string;
  readonly name: string;
  /** URL for reports; null: none was given. */
  readonly callback: string | null;
  readonly at: Millis;
}

interface Due {
  readonly at: Millis;
  /** When it comes: earlier by what had passed of a grain when the message was sent. */
  readonly comesAt: Millis;
  readonly order: number;
  readonly mail?: { readonly place: string | null; readonly event: { readonly [field: string]: unknown } };
  readonly text?: { readonly path: string; readonly form: { readonly [name: string]: string } };
}

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Keeps what providers will report of the messages that they have accepted, each at its time. */
export class Reports {
  readonly #chance: Chance;
  readonly #keys: ProviderKeys;
  readonly #publicUrl: string;
  readonly #grain: Millis;
  readonly #due: Due[] = [];
  #count = 0;

  /**
   * @param publicUrl the URL that providers reach Tidings under, which Twilio signs
   * @param grain of the times at which messages are sent, as far as the times of their reports depend on them. The messages of one step of
   *   a clock are sent in no order: what is reported of them by the end of a later step must not depend on it
   */
  constructor(chance: Chance, keys: ProviderKeys, publicUrl: string, grain: Millis = 1) {
    this.#chance = chance;
    this.#keys = keys;
    this.#publicUrl = publicUrl;
    this.#grain = grain;
  }

  onMail(mail: SentMail): void {
    const draw = this.#chance.stream(`reports ${mail.name}`);
    const event = (delay: Millis, name: string, more: object = {}) =>
      this.#add(mail.at, delay, {
        mail: {
          place: mail.place,
          event: {
            event: name,
            sg_message_id: `${mail.id}.filter0001.1.demo`,
            sg_event_id: `${mail.id}-${name}`,
            ...mail.reference,
            ...more,
          },
        },
      });
    if (this.#chance.of(`gone ${mail.address}`) < 0.025) {
      event(20 * SECOND, 'bounce', { type: 'bounce', status: '5.1.1', reason: '550 5.1.1 no such user' });
      return;
    }
    const took = Math.round((1 + draw.next() ** 4 * 60) * SECOND);
    if (draw.is(0.012)) {
      event(took, 'bounce', { type: 'blocked', status: '4.2.2', reason: '452 4.2.2 mailbox full' });
      return;
    }
    event(took, 'delivered', { response: '250 OK' });
    if (draw.is(0.08)) event(took + 3 * SECOND, 'open', { sg_machine_open: true });
    // Every second reader takes more than an hour.
    const opened = took + Math.round(Math.exp(draw.next() * 8) * 10 * SECOND);
    if (!draw.is(mail.isBulk ? 0.34 : 0.58)) return;
    event(opened, 'open', { sg_event_id: `${mail.id}-opened` });
    if (draw.is(mail.isBulk ? 0.16 : 0.24)) event(opened + 20 * SECOND, 'click', { url: 'https://shop.example/' });
    if (!mail.isBulk) return;
    if (draw.is(0.05)) event(opened + 40 * SECOND, 'unsubscribe');
    else if (draw.is(0.04)) event(opened + 50 * SECOND, 'spamreport');
  }

  onText({ sid, number, name, callback, at }: SentText): void {
    const draw = this.#chance.stream(`reports ${name}`);
    const { pathname, search } = new URL(callback ?? `${this.#publicUrl}/api/v1/receipts/twilio`);
    if (callback !== null) {
      const form = { MessageSid: sid, From: SMS_NUMBER, To: number };
      const ends = draw.is(0.04)
        ? { MessageStatus: 'undelivered', ErrorCode: draw.is(0.5) ? '30005' : '30007' }
        : { MessageStatus: 'delivered' };
      this.#add(at, Math.round((2 + draw.next() * 9) * SECOND), {
        text: { path: `${pathname}${search}`, form: { ...form, ...ends } },
      });
    }
    if (draw.is(0.02)) {
      const form = {
        MessageSid: `${sid.slice(0, 33)}f`,
        From: number,
        To: SMS_NUMBER,
        Body: 'STOP',
        SmsStatus: 'received',
      };
      this.#add(at, 5 * MINUTE + Math.round(draw.next() * HOUR), { text: { path: pathname, form } });
    }
  }

  /** Takes the reports that are due, each time in order. */
  take(now: Millis): Report[] {
    const due = this.#due.filter(({ comesAt }) => comesAt <= now).sort((a, b) => a.at - b.at || a.order - b.order);
    if (due.length === 0) return [];
    const left = this.#due.filter(({ comesAt }) => comesAt > now);
    this.#due.splice(0, this.#due.length, ...left);
    const places = [...new Set(due.flatMap(({ mail }) => (mail ? [mail.place] : [])))];
    const mails = places.map((place) => {
      const events = due.flatMap(({ at, mail }) =>
        mail?.place === place ? [{ timestamp: Math.floor(at / 1000), ...mail.event }] : [],
      );
      return this.#signMails(place, events, now);
    });
    return [...mails, ...due.flatMap(({ text }) => (text ? [this.#signText(text.path, text.form)] : []))];
  }

  #add(sentAt: Millis, delay: Millis, what: Pick<Due, 'mail' | 'text'>): void {
    const at = sentAt + delay;
    this.#due.push({ at, comesAt: at - (sentAt % this.#grain), order: this.#count++, ...what });
  }

  #signMails(place: string | null, events: readonly object[], now: Millis): Report {
    const body = JSON.stringify(events);
    const timestamp = String(Math.floor(now / 1000));
    const signature = sign('sha256', Buffer.from(timestamp + body), this.#keys.sendgridPrivate).toString('base64');
    return {
      path: `/api/v1/receipts/sendgrid${place === null ? '' : `/${place}`}`,
      headers: {
        'content-type': 'application/json',
        'x-twilio-email-event-webhook-signature': signature,
        'x-twilio-email-event-webhook-timestamp': timestamp,
      },
      body,
    };
  }

  #signText(path: string, form: { readonly [name: string]: string }): Report {
    const signed = Object.keys(form)
      .toSorted()
      .map((name) => `${name}${form[name]}`)
      .join('');
    const signature = createHmac('sha1', this.#keys.twilioToken)
      .update(`${this.#publicUrl}${path}${signed}`)
      .digest('base64');
    return {
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
      body: new URLSearchParams(form).toString(),
    };
  }
}
