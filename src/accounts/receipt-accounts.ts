import type { ProviderDefinition } from '../channels/provider.ts';

/** An account with a provider that receipts come for. */
export interface ReceiptAccount {
  readonly definition: ProviderDefinition;
  /** As the schema of the definition returns them. */
  readonly settings: unknown;
  /** Null: it is of the installation, and sends for all tenants. */
  readonly tenantId: string | null;
  /** Name of the account among those of its tenant; null: it is of the installation. */
  readonly account: string | null;
}

/** Look-up of accounts by the URL of their receipts. */
export interface ReceiptAccounts {
  /**
   * Returns the account of a URL; undefined: no account has it.
   * @param account as in the URL: `NAME` of the tenant `default`, `TENANT.NAME` of another; null: that of the installation
   */
  find(provider: string, account: string | null): Promise<ReceiptAccount | undefined>;
}

/** An installation that has no account whose provider sends receipts. */
export const NO_RECEIPT_ACCOUNTS: ReceiptAccounts = { find: async () => undefined };
