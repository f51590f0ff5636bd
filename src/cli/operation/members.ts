import type { Command } from 'commander';
import { makeOwnerLink } from '../../members/owner-link.ts';
import { requireKnownTenant } from '../../tenants/known-tenant.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { withPool } from '../database/with-database.ts';
import { JSON_OPTION, runApiCommand, runDatabaseCommand } from '../run-command.ts';
import { withTenant } from '../tenant-option.ts';

interface Member {
  readonly member_id: string;
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly email: string | null;
  readonly last_login_at: string | null;
}

const PATH = '/api/v1/members';

/** Adds the commands `members list|add|role|remove|link`. */
export function addMembersCommands(program: Command): void {
  const members = program.command('members').description('Manage who has access to a tenant of a running Tidings');
  members
    .command('list')
    .description('List the members, the first added first')
    .option(...JSON_OPTION)
    .action((options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const found: Member[] = [];
        for (let next: string | null = ''; next !== null; ) {
          const query: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
          const page = (await api.get(`${PATH}?limit=200${query}`)) as { members: Member[]; next: string | null };
          found.push(...page.members);
          next = page.next;
        }
        return { data: { members: found }, lines: found.length === 0 ? ['No members.'] : found.map(formatMember) };
      }),
    );
  members
    .command('add')
    .description('Invite an address, or name a login by --issuer and --subject')
    .argument('[email]', 'address that the OpenID provider must have verified at the login')
    .requiredOption('--role <role>', 'owner, editor, operator, support or viewer')
    .option('--issuer <url>', 'OpenID provider of the login')
    .option('--subject <id>', 'id of the member at that provider')
    .option('--name <name>', 'for lists and the audit log')
    .option(...JSON_OPTION)
    .action((email: string | undefined, { json, ...options }: { json?: boolean; role: string }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(PATH, { ...(email === undefined ? {} : { email }), ...options })) as Member;
        return { data, lines: [`Added: ${formatMember(data)}`] };
      }),
    );
  members
    .command('role')
    .description('Change the role of a member')
    .argument('<member-id>', 'as in the list')
    .argument('<role>', 'owner, editor, operator, support or viewer')
    .option(...JSON_OPTION)
    .action((id: string, role: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.patch(`${PATH}/${encodeURIComponent(id)}`, { role })) as Member;
        return { data, lines: [`Changed: ${formatMember(data)}`] };
      }),
    );
  members
    .command('remove')
    .description('Remove a member: all sessions end for this tenant at once')
    .argument('<member-id>', 'as in the list')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, options: { json?: boolean; yes?: boolean }) => {
      await confirm(`Remove the member ${id}?`, options.yes);
      await runApiCommand(options.json, async (api) => {
        const data = (await api.delete(`${PATH}/${encodeURIComponent(id)}`)) as Member;
        return { data, lines: [`Removed: ${formatMember(data)}`] };
      });
    });
  members
    .command('link')
    .description('Print a link that logs in an owner, once, within 10 minutes; needs the database')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { json?: boolean }) =>
      runDatabaseCommand(async () => {
        const link = await withPool(withTenant(process.env), 'tidings members', async (pool, config) => {
          const { publicUrl, port, tenant } = config;
          await requireKnownTenant(pool, tenant);
          return makeOwnerLink(pool, tenant, publicUrl ?? `http://localhost:${port}`, Date.now());
        });
        console.log(json ? JSON.stringify({ link }) : link);
      }),
    );
}

function formatMember({ member_id, role, state, name, email }: Member): string {
  return `${member_id}  ${role.padEnd(8)}  ${state.padEnd(7)}  ${name}${email === null || email === name ? '' : `  ${email}`}`;
}
