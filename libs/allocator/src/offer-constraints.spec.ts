import { describe, expect, it } from 'vitest';
import { agentId, frameworkId, resources, roleName } from '#core';
import type { AgentTraits } from './agent-traits.js';
import { Allocator } from './allocator.js';
import { compileOfferConstraints, type OfferConstraints } from './offer-constraints.js';

const ROLE = roleName('web');
const AGENT: AgentTraits = {
  hostname: 'h1.example.org',
  zone: 'z1',
  attributes: [{ name: 'rack', text: 'r7' }, { name: 'speed' }],
};

type Group = NonNullable<
  NonNullable<OfferConstraints['role_constraints']>[string]['groups']
>[number];

function allows(groups: readonly Group[], agent = AGENT): boolean {
  const result = compileOfferConstraints({ role_constraints: { web: { groups } } });
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.byRole.get(ROLE)?.allows(agent) === true;
}

const on = (
  name: string,
  predicate: NonNullable<NonNullable<Group['attribute_constraints']>[number]['predicate']>,
): Group => ({ attribute_constraints: [{ selector: { attribute_name: name }, predicate }] });

describe('compileOfferConstraints', () => {
  it.each([
    ['exists', { exists: {} }, 'rack', true],
    ['exists', { exists: {} }, 'none', false],
    ['not_exists', { not_exists: {} }, 'rack', false],
    ['not_exists', { not_exists: {} }, 'none', true],
    ['text_equals', { text_equals: { value: 'r7' } }, 'rack', true],
    ['text_equals', { text_equals: { value: 'r' } }, 'rack', false],
    ['text_equals', { text_equals: { value: 'r7' } }, 'none', false],
    ['text_not_equals', { text_not_equals: { value: 'r7' } }, 'rack', false],
    ['text_not_equals', { text_not_equals: { value: 'r7' } }, 'none', true],
    ['text_matches', { text_matches: { regex: 'r[0-9]' } }, 'rack', true],
    ['text_matches, whole', { text_matches: { regex: '[0-9]' } }, 'rack', false],
    ['text_not_matches', { text_not_matches: { regex: 'r.*' } }, 'rack', false],
    ['text_not_matches', { text_not_matches: { regex: 'r.*' } }, 'none', true],
  ])('knows %s: %j on %s is %s', (_, predicate, name, expected) => {
    expect(allows([on(name, predicate)])).toBe(expected);
  });

  it('lets predicates on text pass for attributes of other types', () => {
    expect(allows([on('speed', { text_equals: { value: '9' } })])).toBe(true);
    expect(allows([on('speed', { text_not_matches: { regex: '.*' } })])).toBe(true);
    expect(allows([on('speed', { not_exists: {} })])).toBe(false);
  });

  it('selects hostname, region and zone', () => {
    const pseudo = (pseudoattribute_type: string, value: string): Group => ({
      attribute_constraints: [
        { selector: { pseudoattribute_type }, predicate: { text_equals: { value } } },
      ],
    });

    expect(allows([pseudo('HOSTNAME', 'h1.example.org')])).toBe(true);
    expect(allows([pseudo('ZONE', 'z1')])).toBe(true);
    expect(allows([pseudo('REGION', 'r1')])).toBe(false);
  });

  it('needs all constraints of one of the groups', () => {
    const yes = on('rack', { exists: {} }).attribute_constraints ?? [];
    const no = on('none', { exists: {} }).attribute_constraints ?? [];

    expect(allows([{ attribute_constraints: [...yes, ...no] }])).toBe(false);
    expect(allows([{ attribute_constraints: no }, { attribute_constraints: yes }])).toBe(true);
  });

  it.each([
    [{}, 'role_constraints.web.groups: is empty'],
    [{ groups: [{}] }, 'groups[0].attribute_constraints: is empty'],
    [{ groups: [on('a', {})] }, '[0].predicate: needs one predicate, has 0'],
    [{ groups: [on('a', { exists: {}, not_exists: {} })] }, 'needs one predicate, has 2'],
    [{ groups: [on('a', { text_equals: {} })] }, 'predicate.text_equals.value: is missing'],
    [{ groups: [on('a', { text_matches: { regex: '(?=x)' } })] }, 'text_matches.regex: (?=x) '],
    [
      { groups: [{ attribute_constraints: [{ selector: {}, predicate: { exists: {} } }] }] },
      '[0].selector: needs one of',
    ],
    [
      {
        groups: [
          {
            attribute_constraints: [
              { selector: { pseudoattribute_type: 'MOON' }, predicate: { exists: {} } },
            ],
          },
        ],
      },
      'MOON is not HOSTNAME, REGION or ZONE',
    ],
    [{ groups: Array.from({ length: 65 }, () => on('a', { exists: {} })) }, 'the limit is 64'],
  ])('names what is wrong: %#', (role, message) => {
    const result = compileOfferConstraints({ role_constraints: { web: role } });

    expect(result.ok ? '' : result.errors.join('\n')).toContain(message);
  });

  it('keeps agents from a role that does not want them, and from that role only', () => {
    const result = compileOfferConstraints({
      role_constraints: { web: { groups: [on('rack', { text_equals: { value: 'r7' } })] } },
    });
    const allocator = new Allocator();
    allocator.addFramework(frameworkId('f'), {
      roles: [ROLE, roleName('zzz')],
      suppressedRoles: [],
      ...(result.ok ? { offerConstraints: result.byRole } : {}),
    });
    const free = resources({ cpus: 1, mem: 64 });
    allocator.addAgent(agentId('a1'), free, AGENT);
    allocator.addAgent(agentId('a2'), free, { hostname: 'h2', attributes: [] });
    allocator.addAgent(agentId('a3'), free, { hostname: 'h3', attributes: [] });

    const offered = allocator.allocate(0).map((one) => `${one.role}@${one.agentId}`);

    expect(offered).toEqual(['web@a1', 'zzz@a2', 'zzz@a3']);
    expect(allocator.explain()[0]).toMatchObject({ role: 'web', passedOver: { constraint: 1 } });
  });
});
