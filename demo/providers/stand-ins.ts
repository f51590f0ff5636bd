import { createHash } from 'node:crypto';
import type { Millis } from '../../src/model/event.ts';
import type { Chance } from '../chance.ts';
import type { Clock } from '../time/clock.ts';
import { KEY_PREFIX } from './keys.ts';
import type { Reports } from './reports.ts';

/** An answer of a stand-in. */
export interface Reply {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: object | string;
}

/** Times in which something is wrong, from inclusive to exclusive. */
export interface Troubles {
  /** SendGrid is not available. */
  readonly emailDown: readonly [Millis, Millis];
  /** Twilio does not take the token of the account. */
  readonly smsRejected: readonly [Millis, Millis];
  /** The endpoint of the webhook of the warehouse fails from then on. */
  readonly endpointFails: Millis;
}

const ACCEPT_MS: readonly [Millis, Millis] = [35, 240];

/**
 * The services that messages go to, as far as Tidings sees them: SendGrid, Twilio, Firebase Cloud Messaging, and endpoints of webhooks. What becomes
 * of a message depends on its recipient and text alone.
 */
export class StandIns {
  readonly #chance: Chance;
  readonly #clock: Clock;
  readonly #troubles: Troubles;
  readonly #reports: Reports;
  readonly #takesTime: boolean;
  /** Attempts of what failed once. */
  readonly #failedOnce = new Set<string>();

  /** @param takesTime whether the clock moves on by the time that an answer takes */
  constructor(chance: Chance, clock: Clock, troubles: Troubles, reports: Reports, takesTime: boolean) {
    this.#chance = chance;
    this.#clock = clock;
    this.#troubles = troubles;
    this.#reports = reports;
    this.#takesTime = takesTime;
  }

  /**
   * @param path with its query; of an endpoint its whole URL
   * @param headers with lower-case names
   */
  answer(path: string, body: string, headers: { readonly [name: string]: string }): Reply {
    if (this.#takesTime) {
      const took = this.#chance.of(body);
      this.#clock.now += Math.round(ACCEPT_MS[0] + took ** 3 * (ACCEPT_MS[1] - ACCEPT_MS[0]));
    }
    if (path.startsWith('/sendgrid/')) return this.#sendgrid(path, body, headers.authorization ?? '');
    if (path.startsWith('/twilio/')) return this.#twilio(path, body);
    if (path.startsWith('/fcm/')) return this.#fcm(path, body);
    return this.#endpoint(path);
  }

  #sendgrid(path: string, body: string, authorization: string): Reply {
    if (path.endsWith('/v3/scopes')) return { status: 200, body: { scopes: ['mail.send'] } };
    if (isWithin(this.#clock.now, this.#troubles.emailDown)) {
      return { status: 503, body: { errors: [{ message: 'Service temporarily unavailable', field: null }] } };
    }
    const mail = JSON.parse(body) as Mail;
    const [{ to, custom_args: reference }] = mail.personalizations;
    const address = to[0].email;
    // Without its links, which are signed, and its subject: variants share the chances of their message. By the day: a retry has them too.
    const text = mail.content[0].value.replace(/https?:\S+/g, '');
    const name = `${address} ${text} ${Math.floor(this.#clock.now / 86_400_000)}`;
    const fate = this.#chance.of(`mail ${name}`);
    if (fate < 0.01 && this.#isFirst(name)) {
      return { status: 503, body: { errors: [{ message: 'Try again', field: null }] } };
    }
    if (fate > 0.997)
      return { status: 400, body: { errors: [{ message: 'The content is not valid.', field: 'content' }] } };
    const id = toId(`${name} ${reference.tidings_key}`);
    this.#reports.onMail({
      id,
      reference,
      place: toPlace(authorization),
      name,
      address,
      // The header for one click needs HTTPS, which a demo is without.
      isBulk: mail.content.some(({ value }) => value.includes('/unsubscribe/')),
      at: this.#clock.now,
    });
    return { status: 202, headers: { 'x-message-id': id } };
  }

  #twilio(path: string, body: string): Reply {
    if (!path.endsWith('/Messages.json')) return { status: 200, body: { status: 'active' } };
    if (isWithin(this.#clock.now, this.#troubles.smsRejected)) return twilioError(401, 20003, 'Authenticate');
    const form = new URLSearchParams(body);
    const number = form.get('To') ?? '';
    const fate = this.#chance.of(`number ${number}`);
    if (fate < 0.02) return twilioError(400, 21211, 'The number is not valid.');
    if (fate < 0.03) return twilioError(400, 21610, 'The number has unsubscribed.');
    const name = `${number} ${form.get('Body')}`;
    const sid = `SM${toId(`${name} ${this.#clock.now}`)}`;
    this.#reports.onText({ sid, number, name, callback: form.get('StatusCallback'), at: this.#clock.now });
    return {
      status: 201,
      body: { sid, status: 'queued', num_segments: '1', price: null, price_unit: 'USD', error_code: null },
    };
  }

  #fcm(path: string, body: string): Reply {
    if (path.endsWith('/token')) {
      return { status: 200, body: { access_token: 'of-the-demo', expires_in: 3599, token_type: 'Bearer' } };
    }
    const { message } = JSON.parse(body) as { message: { token: string } };
    // An app that was removed from its phone, some day.
    const day = Math.floor(this.#clock.now / 86_400_000);
    if (this.#chance.of(`app ${message.token}`) < 0.08 && day % 30 >= this.#chance.of(`day ${message.token}`) * 30) {
      const details = [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'UNREGISTERED' }];
      return { status: 404, body: { error: { code: 404, message: 'Not registered', status: 'NOT_FOUND', details } } };
    }
    return { status: 200, body: { name: `projects/tidings-demo/messages/${toId(body)}` } };
  }

  #endpoint(url: string): Reply {
    const fails = url.includes('warehouse') && this.#clock.now >= this.#troubles.endpointFails;
    return fails ? { status: 500, body: 'out of memory' } : { status: 204 };
  }

  #isFirst(name: string): boolean {
    if (this.#failedOnce.has(name)) return false;
    this.#failedOnce.add(name);
    return true;
  }
}

interface Mail {
  readonly content: readonly [{ readonly value: string }, ...{ readonly value: string }[]];
  readonly personalizations: readonly [
    {
      readonly to: readonly [{ readonly email: string }];
      readonly custom_args: { readonly tidings_key: string; readonly tidings_tenant?: string };
    },
  ];
}

function isWithin(time: Millis, [from, to]: readonly [Millis, Millis]): boolean {
  return time >= from && time < to;
}

function twilioError(status: number, code: number, message: string): Reply {
  return { status, body: { code, message, more_info: '', status } };
}

/** Returns the account that a key of the API is of, as URLs of receipts name it; null: that of the installation. */
function toPlace(authorization: string): string | null {
  return authorization.startsWith(`Bearer ${KEY_PREFIX}`) ? authorization.slice(`Bearer ${KEY_PREFIX}`.length) : null;
}

function toId(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
