import { type Command, Option } from 'commander';
import { confirm, YES_OPTION } from '../confirm.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface AddressView {
  readonly address_id: string;
  readonly kind: string;
  readonly address: string;
  readonly primary: boolean;
  readonly is_trait: boolean;
}

const USER = ['<user-id>', 'your id of the user'] as const;
const ADDRESS = ['<address-id>', 'see `tidings addresses list`'] as const;

/** Adds the commands `addresses list|add|prefer|remove`. */
export function addAddressesCommands(program: Command): void {
  const addresses = program
    .command('addresses')
    .description('Email addresses and phone numbers of a user, of a running Tidings (TIDINGS_URL)');
  addresses
    .command('list')
    .description('List the addresses of a user, masked; the one of each kind that receives comes first')
    .argument(...USER)
    .option(...JSON_OPTION)
    .action((userId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(pathOf(userId))) as { readonly addresses: readonly AddressView[] };
        const lines = data.addresses.map(format);
        return { data, lines: lines.length > 0 ? lines : ['This user has no address.'] };
      }),
    );
  addresses
    .command('add')
    .description('Add an address of a user beside that of the traits; one that is there already stays')
    .argument(...USER)
    .argument('<address>', 'an email address, or a number in E.164 form')
    .addOption(new Option('--kind <kind>', 'of the address; by default as it looks').choices(['email', 'phone']))
    .option('--primary', 'messages go to it from now on')
    .option(...JSON_OPTION)
    .action(
      (
        userId: string,
        address: string,
        { kind, primary, json }: { kind?: string; primary?: boolean; json?: boolean },
      ) =>
        runApiCommand(json, async (api) => {
          const body = {
            kind: kind ?? (address.includes('@') ? 'email' : 'phone'),
            address,
            primary: primary ?? false,
          };
          const data = (await api.post(pathOf(userId), body)) as AddressView;
          return { data, lines: [format(data)] };
        }),
    );
  addresses
    .command('prefer')
    .description('Make an address of a user the one of its kind that messages go to')
    .argument(...USER)
    .argument(...ADDRESS)
    .option(...JSON_OPTION)
    .action((userId: string, addressId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const path = `${pathOf(userId)}/${encodeURIComponent(addressId)}/primary`;
        const data = (await api.post(path)) as AddressView;
        return { data, lines: [format(data)] };
      }),
    );
  addresses
    .command('remove')
    .description('Remove an address of a user; if messages went to it, they go to the next of its kind')
    .argument(...USER)
    .argument(...ADDRESS)
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (userId: string, addressId: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Remove the address ${addressId} of ${userId}?`, yes);
      return runApiCommand(json, async (api) => {
        const data = (await api.delete(`${pathOf(userId)}/${encodeURIComponent(addressId)}`)) as AddressView;
        return { data, lines: [`Removed: ${data.kind}  ${data.address}`] };
      });
    });
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/addresses`;
}

function format({ address_id: id, kind, address, primary, is_trait: isTrait }: AddressView): string {
  const notes = [...(primary ? ['receives'] : []), ...(isTrait ? ['of the traits'] : [])];
  return `${id}  ${kind}  ${address}${notes.length > 0 ? `  ${notes.join(', ')}` : ''}`;
}
