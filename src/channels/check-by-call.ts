import type { GuardedClient, GuardedResponse } from '../http-out/guarded-client.ts';
import { callProvider, type ProviderCall } from './call-provider.ts';
import type { CheckResult } from './provider.ts';

/**
 * Finds out whether a provider lets us in, by one request that sends nothing.
 * @param judge returns the result for a response of the provider; undefined: it tells nothing, such as an error of the server
 */
export async function checkByCall(
  http: GuardedClient,
  call: ProviderCall,
  judge: (response: GuardedResponse) => CheckResult | undefined,
): Promise<CheckResult> {
  const answer = await callProvider(http, { method: 'GET', ...call });
  if ('outcome' in answer) {
    const reason = 'reason' in answer.outcome ? answer.outcome.reason : 'there was no response';
    return { ok: false, reason: `the provider cannot be asked: ${reason}` };
  }
  const { response } = answer;
  const judged = judge(response);
  if (judged) return judged;
  const code = String(response.status);
  if (response.status === 401 || response.status === 403) {
    return {
      ok: false,
      code,
      reason: `the credentials are wrong, or may not do this (status ${code}); enter valid ones`,
    };
  }
  return {
    ok: false,
    code,
    reason: `the provider gave no response that can be read (status ${code}); see its base URL`,
  };
}
