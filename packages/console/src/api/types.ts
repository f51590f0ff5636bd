import type {
  Batch,
  BatchResult,
  CatalogVersionPage,
  Decision,
  Delivery,
  IngestResult,
  Job,
  Message,
  NotificationSummary,
  NotificationType,
  QueueState,
  Rule,
  StoredDecision,
  StoredEvent,
  UserAudit,
  Wait,
} from '@tidings/client/types';

/* Shapes of the API under names of the console. */

export type AuditDecision = StoredDecision;
export type AuditEvent = StoredEvent;
export type CatalogNotification = NotificationType;
export type CatalogRule = Rule;
export type BatchState = Batch['state'];
export type RecipientState = BatchResult['state'];
export type NotificationState = NotificationSummary['state'];
export type CatalogVersion = CatalogVersionPage['versions'][number];
export type Channel = Delivery['channel'];
export type DeliveryStatus = Delivery['status'];
export type IngestResponse = IngestResult;
export type JobActionName = Job['action'];
export type OpenCircuit = QueueState['circuits'][number];
export type Outcome = Decision['outcome'];
export type SentMessage = Message;
/** Parts of a message that a reader sees. */
export type MessageContent = Pick<Message, 'channel' | 'text'> &
  Partial<
    Pick<
      Message,
      | 'subject'
      | 'title'
      | 'html'
      | 'badge'
      | 'image'
      | 'actions'
      | 'data'
      | 'blocks'
      | 'attachments'
      | 'provider_template'
    >
  >;
export type Audit = UserAudit;
export type WaitKind = Wait['kind'];
