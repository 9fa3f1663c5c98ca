/** How HAProxy names a kind of section, and from which version to which it knows it. */
export interface SectionRule {
  /** `required`: at least one word behind the keyword; `optional`: one may be there; `none`: HAProxy reads no name. */
  readonly name: 'required' | 'optional' | 'none';
  /** What two sections of one name are to HAProxy. Proxies have rules of their own. */
  readonly repeated: 'error' | 'warning' | 'allowed';
  /** The name may hold only letters, digits, and `- _ . :`. */
  readonly isNameChecked: boolean;
  /** Words that may stand behind the keyword; more are an error. */
  readonly maxWords?: number;
  /** First version that knows it, where that is later than 2.4. */
  readonly since?: string;
  /** First version that no longer knows it. */
  readonly until?: string;
}

const named = { name: 'required', repeated: 'error', isNameChecked: true } as const;

/** The rules of 2.6, as measured; sections of later versions by their documentation. */
export const SECTION_RULES: ReadonlyMap<string, SectionRule> = new Map<string, SectionRule>([
  ['global', { name: 'none', repeated: 'allowed', isNameChecked: false, maxWords: 0 }],
  ['defaults', { name: 'optional', repeated: 'allowed', isNameChecked: false }],
  ['frontend', { ...named, repeated: 'allowed' }],
  ['backend', { ...named, repeated: 'allowed' }],
  ['listen', { ...named, repeated: 'allowed' }],
  ['userlist', { ...named, repeated: 'warning', maxWords: 1 }],
  ['peers', { ...named, maxWords: 1 }],
  ['mailers', named],
  ['namespace_list', { name: 'none', repeated: 'allowed', isNameChecked: false }],
  ['resolvers', named],
  ['cache', { ...named, isNameChecked: false, maxWords: 1 }],
  ['ring', named],
  ['log-forward', { ...named, maxWords: 1 }],
  ['http-errors', named],
  ['fcgi-app', { ...named, maxWords: 1 }],
  ['program', { ...named, isNameChecked: false, until: '3.3' }],
  ['crt-store', { name: 'optional', repeated: 'error', isNameChecked: true, since: '3.0' }],
  ['traces', { name: 'none', repeated: 'allowed', isNameChecked: false, since: '3.1' }],
  ['log-profile', { ...named, since: '3.1' }],
  ['acme', { ...named, since: '3.2' }],
  ['healthcheck', { ...named, since: '3.4' }],
]);

/** Words that open a section in some HAProxy from 2.4 to 3.4. They are reserved: as a first word they open a section anywhere. */
export const SECTION_KEYWORDS: ReadonlySet<string> = new Set(SECTION_RULES.keys());

/** The sections that are proxies: they hold servers, binds and rules. */
export type ProxyKind = 'defaults' | 'frontend' | 'backend' | 'listen';

/** True for the keywords of proxy sections. */
export function isProxyKind(keyword: string): keyword is ProxyKind {
  return (
    keyword === 'defaults' ||
    keyword === 'frontend' ||
    keyword === 'backend' ||
    keyword === 'listen'
  );
}

/**
 * What two sections of one name may not both have: `listen` has what `frontend` and what `backend` has; `log-forward` has both, too, as HAProxy
 * makes proxies of it.
 */
export const PROXY_ABILITIES: Readonly<Record<string, readonly ('front' | 'back')[]>> = {
  frontend: ['front'],
  backend: ['back'],
  listen: ['front', 'back'],
  'log-forward': ['front', 'back'],
};

/** What a section's name may be made of. */
export const SECTION_NAME = /^[A-Za-z0-9_.:-]+$/;
