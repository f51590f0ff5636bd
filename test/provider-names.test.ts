import { expect, test } from 'vitest';
import { listProviderNames, loadProvider } from '../src/channels/registry.ts';
import { listChannelsOf, PROVIDER_NAMES } from '../src/model/provider-names.ts';

/** Names that the checker of catalogs knows: those of the providers that there are. */

test('the checker knows the providers of the registry, and the channels of each', async () => {
  expect([...PROVIDER_NAMES].sort()).toEqual(listProviderNames().sort());
  for (const name of PROVIDER_NAMES) {
    expect([...listChannelsOf(name)].sort(), name).toEqual([...(await loadProvider(name))!.channels].sort());
  }
});
