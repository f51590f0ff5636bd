import type { FastifyReply, FastifyRequest } from 'fastify';
import { NO_RECEIPT_ACCOUNTS } from '../../accounts/receipt-accounts.ts';
import { ReceiptIntake } from '../../receipts/receipt-intake.ts';
import type { App, HttpDependencies } from '../app.ts';
import { ConfirmationReplies } from '../confirmation-replies.ts';
import { keepRawBodies } from '../raw-body.ts';
import { accountReceiptParams, freeQuery, rawBody, receiptParams } from '../schemas/receipts.ts';

const MAX_BODY_BYTES = 1024 * 1024;

/** Receipts of providers: public, and proved by the signature of each request. */
export async function registerReceiptRoutes(app: App, dependencies: HttpDependencies): Promise<void> {
  const { database, catalogs, seal, clock, log, outbound, publicUrl, receiptAccounts } = dependencies;
  const replies = new ConfirmationReplies(dependencies);
  const receipts = new ReceiptIntake({
    pool: database.owner,
    catalogs,
    seal,
    clock,
    accounts: receiptAccounts ?? NO_RECEIPT_ACCOUNTS,
    getTools: () => ({ http: outbound, clock }),
    onReply: (reply) => replies.take(reply),
    log,
  });
  const take = async (request: FastifyRequest, reply: FastifyReply, provider: string, account: string | null) => {
    const body = await receipts.take(provider, account, {
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      headers: request.headers,
      // The host of the request is that of a proxy; the provider has signed the public one.
      url: `${(publicUrl ?? `http://${request.headers.host ?? ''}`).replace(/\/+$/, '')}${request.url}`,
      receivedAt: clock(),
    });
    if (body === undefined) return reply.status(204).send();
    return reply.type(body.type).send(body.text);
  };
  const config = {
    scope: 'public',
    idempotent: false,
    isUnlimited: true,
    errors: ['unauthorized', 'not_found', 'payload_too_large'],
  } as const;
  await app.register(async (scope) => {
    const raw = scope as unknown as App;
    keepRawBodies(raw);
    raw.post(
      '/api/v1/receipts/:provider',
      {
        config,
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          hide: true,
          operationId: 'takeReceipts',
          summary: 'Take what a provider reports of messages that went by the account of the installation',
          tags: ['receipts'],
          params: receiptParams,
          querystring: freeQuery,
          body: rawBody,
        },
      },
      (request, reply) => take(request, reply, request.params.provider, null),
    );
    raw.post(
      '/api/v1/receipts/:provider/:account',
      {
        config,
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          hide: true,
          operationId: 'takeReceiptsOfAccount',
          summary: 'Take what a provider reports of messages that went by an account of a tenant',
          tags: ['receipts'],
          params: accountReceiptParams,
          querystring: freeQuery,
          body: rawBody,
        },
      },
      (request, reply) => take(request, reply, request.params.provider, request.params.account),
    );
  });
}
