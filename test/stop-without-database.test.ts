import { afterAll, beforeAll, expect, test } from 'vitest';
import { cableTo } from './support/cable.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

test('a stop ends, and says why it was not clean, if the database no longer responds', {
  timeout: 120_000,
}, async () => {
  const cable = await cableTo(database.url);
  const program = tidings(['start', '--json'], {
    env: {
      DATABASE_URL: cable.url,
      PORT: '0',
      TIDINGS_CATALOG: FINTECH,
      TIDINGS_ENCRYPTION_KEY: btoa('k'.repeat(32)),
    },
  });
  try {
    await program.ready(60_000);
    cable.silence();
    program.kill('SIGTERM');
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(
      /tidings: not everything ended within 9 s, perhaps because the database does not respond/,
    );
  } finally {
    program.killGroup('SIGKILL');
    cable.cut();
  }
});
