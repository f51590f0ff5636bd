import type { SourceStart } from './source.ts';

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Settings by which the brokers of the installation are reached, and topics that may be read. */
export interface KafkaSettings {
  /** `host:port` of some of them; the others are learnt. At least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Consumer group. Its members share the partitions; positions are kept in PostgreSQL, whatever the group. */
  readonly group: string;
  /** Null: no login. */
  readonly sasl: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string } | null;
  /** Null: no TLS. An empty text: certificates of the authorities that Node.js knows. */
  readonly ca: string | null;
  /** Start of a partition that was never read, unless its source says. */
  readonly start: SourceStart;
  /** Limits of what is written. */
  readonly out: {
    /** Messages per second that a process sends, at most. */
    readonly rate: number;
    /** Messages of a topic, and their bytes, that may wait; beyond it nothing more is recorded for it. */
    readonly maxWaiting: number;
    readonly maxWaitingBytes: number;
  };
  /** Topics that other tenants than that of the installation may read or write; a `*` at the end stands for any rest. */
  readonly allowed: readonly { readonly tenantId: string; readonly topic: string }[];
}
