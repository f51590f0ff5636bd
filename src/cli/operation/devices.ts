import { type Command, Option } from 'commander';
import { PLATFORMS, PUSH_ENVIRONMENTS, PUSH_SERVICES } from '../../model/device.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { addSecretOptions, readSecret } from '../read-secret.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface DeviceView {
  readonly device_id: string;
  readonly platform: string;
  readonly service: string;
  readonly app: string;
  readonly environment: string | null;
  readonly token: string;
  readonly seen_at: string;
  readonly retired_at: string | null;
  readonly retired_code: string | null;
}

interface RegisterOptions {
  readonly platform: string;
  readonly token?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  readonly app?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly json?: boolean;
}

const USER = ['<user-id>', 'your id of the user'] as const;
const TOKEN_NOTE =
  'The token stands in the history of your shell, and in its list of processes while the command runs: --token-file - reads it from standard input, --token-env from a variable.';

/** Adds the commands `devices list|register|remove`. A browser is registered by its page, not by hand. */
export function addDevicesCommands(program: Command): void {
  const devices = program
    .command('devices')
    .description('Devices of a user that push messages go to, of a running Tidings (TIDINGS_URL)');
  devices
    .command('list')
    .description('List the devices of a user, those registered last first')
    .argument(...USER)
    .option('--retired', 'also those to which nothing is sent, with the reason')
    .option(...JSON_OPTION)
    .action((userId: string, { retired, json }: { retired?: boolean; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${pathOf(userId)}${retired ? '?retired=true' : ''}`)) as {
          readonly devices: readonly DeviceView[];
        };
        const lines = data.devices.map(format);
        return { data, lines: lines.length > 0 ? lines : ['This user has no device.'] };
      }),
    );
  const register = devices
    .command('register')
    .description('Register a device of a user; one that is known is no new device')
    .argument(...USER)
    .addOption(new Option('--platform <platform>', 'of the device').choices(PHONES).makeOptionMandatory());
  addSecretOptions(register, 'token', 'of the app on the device, as its system gave it')
    .option('--app <name>', 'the app, if the tenant has several')
    .addOption(new Option('--service <service>', 'that the token is of').choices(PUSH_SERVICES))
    .addOption(new Option('--environment <environment>', 'of APNs').choices(PUSH_ENVIRONMENTS))
    .option(...JSON_OPTION)
    .action((userId: string, { json, token, tokenEnv, tokenFile, ...device }: RegisterOptions) =>
      runApiCommand(json, async (api) => {
        const secret = readSecret('token', { value: token, variable: tokenEnv, file: tokenFile });
        const data = (await api.post(pathOf(userId), { ...device, token: secret })) as DeviceView;
        return { data, lines: [format(data)], ...(token === undefined ? {} : { notes: [TOKEN_NOTE] }) };
      }),
    );
  devices
    .command('remove')
    .description('Remove a device of a user: nothing is sent to it from then on')
    .argument(...USER)
    .argument('<device-id>', 'see `tidings devices list`')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (userId: string, deviceId: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Send nothing more to the device ${deviceId}, until its app registers it again?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.delete(`${pathOf(userId)}/${encodeURIComponent(deviceId)}`)) as DeviceView;
        return { data, lines: [`Removed: ${format(data)}`] };
      });
    });
}

const PHONES = PLATFORMS.filter((platform) => platform !== 'web');

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/devices`;
}

function format(one: DeviceView): string {
  const facts = [
    one.device_id,
    one.platform,
    one.service,
    one.environment,
    one.app,
    one.token,
    `seen ${one.seen_at}`,
    one.retired_at === null ? null : `retired ${one.retired_at} (${one.retired_code ?? 'unknown'})`,
  ];
  return facts.filter((fact) => fact !== null).join('  ');
}
