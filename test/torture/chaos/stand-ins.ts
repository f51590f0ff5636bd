import { mailSink } from '../../support/mailsink.ts';
import { acceptApns, answerApns } from '../../support/stand-ins/apns.ts';
import { acceptFcm, answerFcm, isFcmSend } from '../../support/stand-ins/fcm.ts';
import {
  type SeenRequest,
  type StandIn,
  type StandInReply,
  type StandInScript,
  startStandIn,
} from '../../support/stand-ins/http-stand-in.ts';
import { startHttp2StandIn } from '../../support/stand-ins/http2-stand-in.ts';
import { answerSendGrid, SENDGRID_ACCEPTS } from '../../support/stand-ins/sendgrid.ts';
import { answerSes, SES_ACCEPTS } from '../../support/stand-ins/ses.ts';
import { answerSns, SNS_ACCEPTS } from '../../support/stand-ins/sns-sms.ts';
import { answerTwilio, TWILIO_ACCEPTS } from '../../support/stand-ins/twilio.ts';
import { acceptWebPush, decryptWebPush } from '../../support/stand-ins/web-push.ts';
import { type Random, randomFrom } from '../random.ts';
import { MARK } from './catalog.ts';
import type { Tally } from './tally.ts';
import { type Conduct, Weather } from './weather.ts';

const toCode = (code: string) => ({ code, kind: 'retry', meaning: '' }) as const;

/** Answers of one provider, and the places in its requests of what they are about. */
interface Carrier {
  readonly accept: (request: SeenRequest) => StandInReply;
  /** Documented answers that the weather asks for; absent: the status alone. */
  readonly throttle?: StandInReply;
  readonly reject?: StandInReply;
  /** Text of the message; default: the body. */
  readonly text?: (request: SeenRequest) => string;
  /** Address of the recipient, as the tally has it. */
  readonly address: (request: SeenRequest) => string;
  /** Whether any 2xx is success, as for webhooks: then what answers so has the message. */
  readonly takesAnySuccess?: boolean;
  /** Requests that are no sends, such as for a token: they always succeed. */
  readonly isSend?: (request: SeenRequest) => boolean;
}

const CARRIERS = {
  ses: {
    accept: () => SES_ACCEPTS,
    throttle: answerSes(toCode('TooManyRequestsException')),
    reject: answerSes(toCode('MessageRejected')),
    text: ({ body }) => Buffer.from(JSON.parse(body).Content.Raw.Data, 'base64').toString('utf8'),
    address: () => 'email',
  },
  sendgrid: {
    accept: () => SENDGRID_ACCEPTS,
    throttle: { ...answerSendGrid(toCode('429')), headers: { 'retry-after': '1' } },
    reject: answerSendGrid(toCode('400')),
    address: () => 'email',
  },
  twilio: {
    accept: () => TWILIO_ACCEPTS,
    throttle: answerTwilio({ code: '20429' }),
    reject: answerTwilio({ code: '21612' }),
    text: ({ body }) => new URLSearchParams(body).get('Body') ?? '',
    address: () => 'sms',
  },
  sns: {
    accept: () => SNS_ACCEPTS,
    throttle: answerSns({ code: 'Throttling' }),
    reject: answerSns({ code: 'InvalidParameter' }),
    text: ({ body }) => new URLSearchParams(body).get('Message') ?? '',
    address: () => 'sms',
  },
  http: {
    accept: () => ({ body: { id: 'm-1' } }),
    address: ({ path }) => path.slice(1),
  },
  fcm: {
    accept: acceptFcm,
    throttle: answerFcm({ code: 'QUOTA_EXCEEDED' }),
    reject: answerFcm({ code: 'OUT_OF_RANGE' }),
    address: ({ body }) => JSON.parse(body).message.token,
    isSend: isFcmSend,
  },
  apns: {
    accept: acceptApns,
    throttle: answerApns({ code: 'TooManyRequests' }),
    reject: answerApns({ code: 'PayloadTooLarge' }),
    address: ({ path }) => path.split('/').at(-1) ?? '',
  },
  web_push: {
    accept: acceptWebPush,
    reject: { status: 413 },
    text: ({ bytes }) => decryptWebPush(bytes),
    address: ({ path }) => path,
  },
  webhook: {
    accept: () => ({ status: 204 }),
    address: ({ path }) => path,
    takesAnySuccess: true,
  },
} satisfies { readonly [name: string]: Carrier };

/** The stand-ins of all providers, each with a weather of its own. */
export interface ChaosStandIns {
  readonly urls: { readonly [name in keyof typeof CARRIERS | 'smtp']: string };
  /** Changes the weather of each. */
  change(): void;
  /** From now on all is well. */
  calm(): void;
  /** Counts the mails that arrived; call it once, at the end. */
  countMails(): void;
  stop(): Promise<void>;
}

/** @param hangMillis time after which a connection is closed that was left without an answer */
export async function startStandIns(seed: number, tally: Tally, hangMillis: number): Promise<ChaosStandIns> {
  const weathers: Weather[] = [];
  const standIns: StandIn[] = [];
  const urls: { [name: string]: string } = {};
  for (const [name, carrier] of Object.entries(CARRIERS) as [string, Carrier][]) {
    const random = randomFrom(seed ^ (standIns.length + 1));
    const weather = new Weather(random);
    const script: StandInScript = (request) => answer(request, carrier, weather, { tally, hangMillis, random });
    const standIn =
      name === 'apns'
        ? await startHttp2StandIn(script, { keeps: false })
        : await startStandIn(script, { keeps: false });
    weathers.push(weather);
    standIns.push(standIn);
    urls[name] = standIn.url;
  }
  const smtpWeather = new Weather(randomFrom(seed ^ 0x5e));
  const sink = await mailSink(undefined, { keep: true });
  let release = () => {};
  const blow = () => {
    release();
    release = smtpWeather.kind === 'hanging' ? sink.hold() : () => {};
    sink.trouble(SMTP_TROUBLE[smtpWeather.kind]);
  };
  urls.smtp = sink.url;
  return {
    urls: urls as ChaosStandIns['urls'],
    change() {
      for (const weather of [...weathers, smtpWeather]) weather.change();
      blow();
    },
    calm() {
      for (const weather of [...weathers, smtpWeather]) weather.end();
      blow();
    },
    countMails() {
      for (const { raw } of sink.mails) tally.accept(MARK.exec(raw?.toString('latin1') ?? '')?.[1], 'email');
    },
    async stop() {
      release();
      await Promise.all([...standIns.map((standIn) => standIn.stop()), sink.close()]);
    },
  };
}

/** Trouble of the mail server in each weather: a mail that arrived whole was accepted in all of them. */
const SMTP_TROUBLE = {
  fair: {},
  failing: { mail: { code: 421, text: '4.3.2 The service is not available' } },
  hanging: {},
  throttling: { rcpt: { code: 451, text: '4.7.1 Too many messages, try again later' } },
  lying: { hangUp: 'data' },
} as const;

interface Scene {
  readonly tally: Tally;
  readonly hangMillis: number;
  readonly random: Random;
}

function answer(
  request: SeenRequest,
  carrier: Carrier,
  weather: Weather,
  { tally, hangMillis, random }: Scene,
): StandInReply {
  if (carrier.isSend?.(request) === false) return carrier.accept(request);
  tally.requests++;
  const conduct = weather.next();
  const { text = ({ body }) => body, address, takesAnySuccess = false } = carrier;
  if (conduct.accepts || (takesAnySuccess && (conduct.answer === 'page' || conduct.answer === 'garbage'))) {
    tally.accept(MARK.exec(text(request))?.[1], address(request));
  }
  return toReply(conduct, carrier, request, { hangMillis, random });
}

function toReply(
  { answer }: Conduct,
  carrier: Carrier,
  request: SeenRequest,
  { hangMillis, random }: Omit<Scene, 'tally'>,
): StandInReply {
  switch (answer) {
    case 'success':
      return carrier.accept(request);
    case 'failure':
      return { status: 500, body: 'Internal Server Error' };
    case 'unavailable':
      return {
        status: 503,
        body: 'Service Unavailable',
        ...(random.chance(0.5) ? { headers: { 'retry-after': '1' } } : {}),
      };
    case 'throttle':
      return random.chance(0.8) && carrier.throttle
        ? carrier.throttle
        : { status: 429, headers: { 'retry-after': '1' } };
    case 'rejection':
      return carrier.reject ?? { status: 400, body: { error: 'no' } };
    case 'hang':
      return { delay: hangMillis, instead: 'reset' };
    case 'reset':
      return { instead: 'reset' };
    case 'cut':
      return { ...carrier.accept(request), instead: 'reset_midway' };
    case 'page':
      return { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><title>Welcome</title></html>' };
    case 'garbage':
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"id": "tr' };
  }
}
