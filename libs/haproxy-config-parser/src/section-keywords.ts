/** Words that open a section in some HAProxy from 2.6 to 3.4. They are reserved: as a first word they open a section anywhere. */
export const SECTION_KEYWORDS: ReadonlySet<string> = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'userlist',
  'peers',
  'mailers',
  'namespace_list',
  'resolvers',
  'cache',
  'ring',
  'log-forward',
  'http-errors',
  'fcgi-app',
  'program',
  'crt-store',
  'traces',
  'log-profile',
  'acme',
  'healthcheck',
]);

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
