import type { Json, JsonObject } from '../../model/event.ts';
import { confirmSubscription, hasConfirmationUrl, readSnsEnvelope, verifySnsEnvelope } from '../aws/sns-envelope.ts';
import type { Receipt, ReceiptKind, ReceiptReader } from '../provider.ts';
import { asObject, asText, readJsonObject } from '../read-json.ts';
import { tidyReply } from '../tidy-reply.ts';
import { readReferenceTag } from './ses-tag.ts';

/** Reads the reports of SES, which SNS posts, one in each request. */
export const sesReceipts: ReceiptReader<{ readonly topic_arns: readonly string[] }> = {
  async verify({ body }, { topic_arns }, tools) {
    const envelope = readSnsEnvelope(body);
    return envelope ? verifySnsEnvelope(envelope, topic_arns, tools) : 'the request is not one of SNS';
  },
  read({ body, receivedAt }) {
    const envelope = readSnsEnvelope(body);
    if (!envelope || envelope.type === 'UnsubscribeConfirmation') return { receipts: [] };
    if (envelope.type === 'SubscriptionConfirmation') {
      if (!hasConfirmationUrl(envelope)) {
        return { receipts: [], fault: 'The SubscribeURL is not one of SNS in the region of the topic.' };
      }
      return { receipts: [], afterwards: (tools) => confirmSubscription(envelope, tools) };
    }
    const event = readJsonObject(envelope.message);
    // SES writes a sentence to a topic when it is connected.
    if (!event && /^Successfully validated SNS topic/.test(envelope.message)) return { receipts: [] };
    if (!event) return { receipts: [], fault: 'The Message of the notification is not a JSON object.' };
    return { receipts: [toReceipt(event, envelope.messageId, receivedAt)] };
  },
};

/** Kinds by `eventType`, and the field with their details. */
const EVENTS: { readonly [type: string]: readonly [ReceiptKind, string] } = {
  Send: ['accepted', 'send'],
  Delivery: ['delivered', 'delivery'],
  DeliveryDelay: ['deferred', 'deliveryDelay'],
  Bounce: ['bounced', 'bounce'],
  Complaint: ['complained', 'complaint'],
  Reject: ['failed', 'reject'],
  'Rendering Failure': ['failed', 'failure'],
  Open: ['opened', 'open'],
  Click: ['clicked', 'click'],
  Subscription: ['unsubscribed', 'subscription'],
};

function toReceipt(event: JsonObject, id: string, receivedAt: number): Receipt {
  // Without event publishing the field has another name.
  const type = asText(event.eventType) ?? asText(event.notificationType) ?? '';
  const [kind, field] = (Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined) ?? (['unknown', ''] as const);
  const mail = asObject(event.mail) ?? {};
  const about = asObject(event[field]) ?? {};
  const [tag, tenantTag] = [readTag(mail, 'tidings_key'), readTag(mail, 'tidings_tenant')];
  const at = Date.parse(asText(about.timestamp) ?? asText(mail.timestamp) ?? '');
  return {
    id,
    of:
      tag === undefined
        ? { providerMessageId: asText(mail.messageId) ?? id }
        : {
            reference: readReferenceTag(tag),
            ...(tenantTag === undefined ? {} : { tenantId: readReferenceTag(tenantTag) }),
          },
    kind: judge(kind, about),
    at: Number.isNaN(at) ? receivedAt : at,
    ...readDetails(kind, about),
    ...(kind === 'unknown' ? { code: type.slice(0, 80) } : {}),
  };
}

/** A report of "not spam" is no complaint, and a subscription is not always an end of one. */
function judge(kind: ReceiptKind, about: JsonObject): ReceiptKind {
  if (kind === 'complained' && about.complaintFeedbackType === 'not-spam') return 'unknown';
  if (kind !== 'unsubscribed') return kind;
  const wanted = asObject(about.newTopicPreferences) ?? {};
  const topics = Array.isArray(wanted.topicSubscriptionStatus) ? wanted.topicSubscriptionStatus : [];
  const isOut = (topic: Json) => /^opt_?out$/i.test(asText(asObject(topic)?.subscriptionStatus) ?? '');
  return wanted.unsubscribeAll === true || topics.some(isOut) ? 'unsubscribed' : 'unknown';
}

function readDetails(kind: ReceiptKind, about: JsonObject): Partial<Receipt> {
  switch (kind) {
    case 'bounced': {
      const [type, subtype] = [asText(about.bounceType) ?? 'Undetermined', asText(about.bounceSubType) ?? ''];
      const recipient = readFirst(about.bouncedRecipients);
      const said = asText(recipient.diagnosticCode);
      return {
        code: subtype === '' ? type : `${type}/${subtype}`,
        isPermanent: type === 'Permanent',
        ...readEnhancedCode(asText(recipient.status), said),
        ...(said === undefined ? {} : { detail: { said: tidyReply(said) } }),
      };
    }
    case 'complained': {
      const code = asText(about.complaintFeedbackType) ?? asText(about.complaintSubType);
      return code === undefined ? {} : { code };
    }
    case 'deferred': {
      const recipient = readFirst(about.delayedRecipients);
      const code = asText(about.delayType);
      const said = asText(recipient.diagnosticCode);
      return { ...(code === undefined ? {} : { code }), ...readEnhancedCode(asText(recipient.status), said) };
    }
    case 'failed': {
      const said = asText(about.reason) ?? asText(about.errorMessage);
      return { isPermanent: true, ...(said === undefined ? {} : { detail: { said: tidyReply(said) } }) };
    }
    default:
      return {};
  }
}

/** A status of RFC 3463, as given, or in what a server said. */
function readEnhancedCode(status: string | undefined, said = ''): { enhancedCode?: string } {
  const [code] = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(status ?? '') ?? /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(said) ?? [];
  return code === undefined ? {} : { enhancedCode: code };
}

function readFirst(list: Json | undefined): JsonObject {
  return (Array.isArray(list) ? asObject(list[0]) : undefined) ?? {};
}

function readTag(mail: JsonObject, name: string): string | undefined {
  const values = asObject(mail.tags)?.[name];
  return Array.isArray(values) ? asText(values[0]) : undefined;
}
