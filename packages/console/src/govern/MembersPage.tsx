import { Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Member } from '@tidings/client/types';
import { useState } from 'react';
import { addMember, changeRole, getMembers, removeMember } from '../api/govern.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { announce } from '../shell/announce.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconCheck, IconClock, IconUser } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';

const TOPICS: readonly string[] = ['settings'];

type Role = Member['role'];

const ROLES: Record<Role, string> = {
  owner: t('Owner: everything, with keys and members'),
  editor: t('Editor: rules, templates and settings'),
  operator: t('Operator: what is stuck, sends, accounts'),
  support: t('Support: users and their messages'),
  viewer: t('Viewer: reads, changes nothing'),
};

const STATES: Record<Member['state'], Look> = {
  active: { label: t('Active'), color: 'gray', Icon: IconCheck },
  invited: { label: t('Invited'), color: 'blue', Icon: IconClock },
};

/** Members of the tenant: they may use this console, each by the rights of a role. */
export function MembersPage() {
  const can = useScopes();
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('Members and roles')}</PageTitle>
        <Invite />
      </Group>
      <Permitted scope="members:read">
        <FactTable
          topics={TOPICS}
          title={t('Members')}
          testId="members"
          load={getMembers}
          getItems={({ members }) => members}
          getId={({ member_id: id }) => id}
          empty={t('No one is invited. A login at your identity provider alone gives no access.')}
          columns={{
            [t('Member')]: ({ name, email, subject }) => (
              <>
                <Text size="sm" fw={600} className="break">
                  {name}
                </Text>
                <Text size="xs" c="dimmed" className="break">
                  {email ?? subject}
                </Text>
              </>
            ),
            [t('State')]: ({ state }) => <StatusBadge look={STATES[state]} testId="member-state" />,
            [t('Role')]: (member) =>
              can('members:write') ? <RoleField member={member} /> : <Text size="sm">{member.role}</Text>,
            [t('Last login')]: ({ last_login_at: at }) => (at === null ? t('never') : <Time value={at} />),
            [t('Added')]: ({ added_at: at, added_by: by }) => (
              <>
                <Time value={at} />
                <Text size="xs" c="dimmed" className="break">
                  {t('by {name}', { name: by })}
                </Text>
              </>
            ),
            [t('Actions')]: (member) => <Remove member={member} />,
          }}
        />
      </Permitted>
    </Stack>
  );
}

function RoleField({ member: { member_id: id, name, role } }: { member: Member }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (wanted: Role) => changeRole(id, wanted),
    onSuccess: (changed) => announce(t('{name} is {role} now.', { name, role: changed.role })),
    onError: (error) => announce(t('The role of {name} stays: {problem}.', { name, problem: error.message })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['members'] }),
  });
  return (
    <NativeSelect
      size="xs"
      aria-label={t('Role of {name}', { name })}
      value={change.isPending ? change.variables : role}
      onChange={(event) => change.mutate(event.currentTarget.value as Role)}
      data={Object.keys(ROLES)}
      data-testid="member-role"
    />
  );
}

function Remove({ member: { member_id: id, name } }: { member: Member }) {
  const queries = useQueryClient();
  return (
    <ConfirmButton
      needs="members:write"
      label={t('Remove')}
      leftSection={<IconBan size={14} />}
      color="red"
      act={async () => {
        await removeMember(id);
        await queries.invalidateQueries({ queryKey: ['members'] });
        return t('{name} has no access any longer.', { name });
      }}
      testId="member-remove"
    >
      {t('{name} is logged out at once, and may not log in again without an invitation.', { name })}
    </ConfirmButton>
  );
}

function Invite() {
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  return (
    <ConfirmButton
      needs="members:write"
      label={t('Invite')}
      leftSection={<IconUser size={14} />}
      isFilled={/.@./.test(email)}
      act={async () => {
        const { name } = await addMember({ email: email.trim(), role });
        await queries.invalidateQueries({ queryKey: ['members'] });
        setEmail('');
        return t('{name} may log in.', { name });
      }}
      testId="member-invite"
    >
      <Stack gap="sm">
        <TextInput
          label={t('Email')}
          description={t('That your identity provider has verified at the login. No message is sent')}
          type="email"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          autoComplete="off"
          data-testid="member-email"
        />
        <NativeSelect
          label={t('Role')}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value as Role)}
          data={Object.entries(ROLES).map(([value, label]) => ({ value, label }))}
          data-testid="member-role-field"
        />
      </Stack>
    </ConfirmButton>
  );
}
