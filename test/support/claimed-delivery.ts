import { Seal } from '../../src/privacy/seal.ts';
import type { ClaimedDelivery, ClaimHandle } from '../../src/store/deliveries/claimed-delivery.ts';

/** Seals with a key of zeros. */
export const SEAL = new Seal(Buffer.alloc(32));

export const NOW = 1_000_000;

/** The third attempt of an email that is sent again when in doubt, with 100 s left for retries. */
export const CLAIMED: ClaimedDelivery = {
  lease: 'worker',
  handle: '' as ClaimHandle,
  tenantId: 'default',
  notificationId: '00000000-0000-7000-8000-000000000001',
  channel: 'email',
  target: '',
  userId: 'u1',
  notificationType: 'MAIL',
  catalogVersion: 1,
  activeCatalog: 1,
  heardOutcomes: null,
  sequence: null,
  hasTerms: false,
  data: {},
  sealedData: null,
  attempt: 3,
  fence: 7,
  retryUntil: NOW + 100_000,
  inDoubt: 'resend',
  priority: 2,
  step: null,
  expiresAt: null,
  address: { sealed: Buffer.alloc(0), mask: 'm…@example.com', hash: 'hash' },
  category: 'TRANSACTIONAL',
  lastAccount: null,
  stoppedSenders: null,
};
