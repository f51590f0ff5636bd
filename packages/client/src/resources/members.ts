import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Member, MemberChange, NewMember } from '../types.ts';

/** Members of the tenant, and their roles. */
export class Members extends Resource {
  list(query: Query<'listMembers'> = {}, options?: CallOptions): Listing<Member> {
    return this.pages('/api/v1/members', 'members', { query }, options);
  }

  add(member: NewMember, options?: CallOptions): Promise<Member> {
    return this.request('post', '/api/v1/members', { body: member }, options);
  }

  update(memberId: string, change: MemberChange, options?: CallOptions): Promise<Member> {
    const path = { member_id: memberId };
    return this.request('patch', '/api/v1/members/{member_id}', { path, body: change }, options);
  }

  remove(memberId: string, options?: CallOptions): Promise<Member> {
    return this.request('delete', '/api/v1/members/{member_id}', { path: { member_id: memberId } }, options);
  }
}
