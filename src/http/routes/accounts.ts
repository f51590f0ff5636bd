import type { Accounts } from '../../accounts/accounts.ts';
import { describeProviders } from '../../accounts/describe-providers.ts';
import type { Trials } from '../../accounts/trials.ts';
import type { App } from '../app.ts';
import { readIfMatch, setEtag } from '../if-match.ts';
import {
  account,
  accountChange,
  accountList,
  accountParams,
  checkResult,
  newAccount,
  providerList,
  testResult,
  testSend,
  toTarget,
} from '../schemas/accounts.ts';

const TAGS = ['accounts'];

/** Accounts of the tenant with providers. */
export function registerAccountRoutes(app: App, accounts: Accounts, trials: Trials, clock: () => number): void {
  app.get(
    '/api/v1/providers',
    {
      config: { scope: 'accounts:read' },
      schema: {
        operationId: 'listProviders',
        summary: 'List the providers that an account may have, with the schema of their settings',
        tags: TAGS,
        response: { 200: providerList },
      },
    },
    async () => ({ providers: await describeProviders() }),
  );

  app.get(
    '/api/v1/provider-accounts',
    {
      config: { scope: 'accounts:read' },
      schema: {
        operationId: 'listProviderAccounts',
        summary: 'List the accounts with providers, in order of choice',
        tags: TAGS,
        response: { 200: accountList },
      },
    },
    async ({ principal }) => ({ accounts: await accounts.list(principal) }),
  );

  app.post(
    '/api/v1/provider-accounts',
    {
      config: { scope: 'accounts:write', errors: ['invalid_account', 'account_exists', 'too_many_accounts'] },
      schema: {
        operationId: 'createProviderAccount',
        summary: 'Save an account with a provider; messages of its channels are sent by it from then on',
        tags: TAGS,
        body: newAccount,
        response: { 201: account },
      },
    },
    async ({ principal, body, operationId }, reply) => {
      const created = await accounts.create(principal, { ...body, operationId });
      return setEtag(reply, created.revision).status(201).send(created);
    },
  );

  app.get(
    '/api/v1/provider-accounts/:account',
    {
      config: { scope: 'accounts:read', errors: ['not_found'] },
      schema: {
        operationId: 'getProviderAccount',
        summary: 'Show an account, without its secrets',
        tags: TAGS,
        params: accountParams,
        response: { 200: account },
      },
    },
    async ({ principal, params }, reply) => {
      const found = await accounts.get(principal, params.account);
      setEtag(reply, found.revision);
      return found;
    },
  );

  app.patch(
    '/api/v1/provider-accounts/:account',
    {
      config: { scope: 'accounts:write', errors: ['not_found', 'outdated', 'invalid_account', 'not_readable'] },
      schema: {
        operationId: 'updateProviderAccount',
        summary: 'Change the settings, channels or place of an account, or whether it is used',
        tags: TAGS,
        params: accountParams,
        body: accountChange,
        response: { 200: account },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const changed = await accounts.update(principal, params.account, body, readIfMatch(request));
      setEtag(reply, changed.revision);
      return changed;
    },
  );

  app.delete(
    '/api/v1/provider-accounts/:account',
    {
      config: { scope: 'accounts:write', errors: ['not_found', 'outdated', 'invalid_account'] },
      schema: {
        operationId: 'deleteProviderAccount',
        summary: 'Delete an account: nothing more is sent by it',
        tags: TAGS,
        params: accountParams,
        response: { 200: account },
      },
    },
    async (request) => accounts.delete(request.principal, request.params.account, readIfMatch(request)),
  );

  app.post(
    '/api/v1/provider-accounts/:account/check',
    {
      config: { scope: 'accounts:write', errors: ['not_found', 'invalid_account'], idempotent: false },
      schema: {
        operationId: 'checkProviderAccount',
        summary: 'Ask the provider whether it lets the account in; nothing is sent',
        tags: TAGS,
        params: accountParams,
        response: { 200: checkResult },
      },
    },
    async ({ principal, params }) => {
      const result = await trials.check(principal, params.account);
      if (!result || result.ok) return { ok: result ? true : null, code: null, reason: null };
      return { ok: false, code: result.code ?? null, reason: result.reason };
    },
  );

  app.post(
    '/api/v1/provider-accounts/:account/test-send',
    {
      config: { scope: 'accounts:write', errors: ['not_found', 'invalid_account'] },
      schema: {
        operationId: 'sendProviderTest',
        summary: 'Send one plain message by an account, and answer what the provider said',
        tags: TAGS,
        params: accountParams,
        body: testSend,
        response: { 200: testResult },
      },
    },
    async ({ principal, params, body, operationId }) =>
      trials.send(principal, params.account, { channel: body.channel, target: toTarget(body, clock()) }, operationId),
  );
}
