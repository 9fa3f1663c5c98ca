import type { SectionLine } from 'haproxy-config-parser';
import { type HostRule, isWildcard } from '../host-rules.js';
import type { Route } from '../route-table.js';
import { templateLines, toAclName } from './route-templates.js';
import type { PortTemplate } from './template-names.js';

/** Which of marathon-lb's variants a route uses. */
interface Variant {
  readonly hasPath: boolean;
  readonly hasAuth: boolean;
  /** Several hosts lead to one backend: the condition is written for each, the rule once. */
  readonly hasHosts: boolean;
}

/**
 * The rules an app itself writes for one of its hosts in the frontend of a scheme; undefined: it has no template for this
 * variant. Of a route with several hosts the routing template stands behind the last one that is as exact: a condition that
 * also holds for a wildcard must not be asked before other apps' exact hosts.
 */
export function ruleTemplateLines(
  { host, prefix, route }: HostRule,
  scheme: 'http' | 'https',
): readonly SectionLine[] | undefined {
  const variant = {
    hasPath: prefix !== undefined,
    hasAuth: route.http.auth !== undefined,
    hasHosts: route.vhosts.length > 1,
  };
  const equals = isWildcard(host) ? [host] : route.vhosts.filter((one) => !isWildcard(one));
  const [first = host] = equals;
  const values = {
    hostname: host,
    cleanedUpHostname: toAclName(variant.hasHosts ? first : host),
    ...(prefix !== undefined && { path: prefix.path }),
  };
  const names = scheme === 'http' ? httpNames(variant) : httpsNames(variant);
  const acl = firstLines(route, names.acl, values);
  // Rules of equal hosts stand in the order of their names.
  const isLast = equals.every((one) => one <= host);
  const routing = isLast ? firstLines(route, names.routing, values) : undefined;
  if (acl === undefined && routing === undefined) return undefined;
  return [...(acl ?? []), ...(routing ?? [])];
}

function firstLines(
  route: Route,
  names: readonly PortTemplate[],
  values: Readonly<Record<string, string>>,
): readonly SectionLine[] | undefined {
  const name = names.find((one) => route.templates.has(one));
  return name === undefined ? undefined : templateLines(route, name, values);
}

interface Names {
  readonly acl: readonly PortTemplate[];
  readonly routing: readonly PortTemplate[];
}

function httpNames({ hasPath, hasAuth, hasHosts }: Variant): Names {
  if (!hasHosts) {
    if (hasPath && hasAuth) return { acl: ['HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH'], routing: [] };
    if (hasPath) return { acl: ['HTTP_FRONTEND_ACL_WITH_PATH'], routing: [] };
    return { acl: [hasAuth ? 'HTTP_FRONTEND_ACL_WITH_AUTH' : 'HTTP_FRONTEND_ACL'], routing: [] };
  }
  if (hasPath && hasAuth) {
    return {
      acl: ['HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH'],
      routing: ['HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH'],
    };
  }
  if (hasPath) {
    return {
      acl: ['HTTP_FRONTEND_ACL_ONLY_WITH_PATH'],
      routing: ['HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH'],
    };
  }
  return {
    acl: ['HTTP_FRONTEND_ACL_ONLY'],
    routing: [hasAuth ? 'HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH' : 'HTTP_FRONTEND_ROUTING_ONLY'],
  };
}

function httpsNames({ hasPath, hasAuth, hasHosts }: Variant): Names {
  if (!hasHosts) {
    if (hasPath && hasAuth) return { acl: ['HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH'], routing: [] };
    if (hasPath) return { acl: ['HTTPS_FRONTEND_ACL_WITH_PATH'], routing: [] };
    return { acl: [hasAuth ? 'HTTPS_FRONTEND_ACL_WITH_AUTH' : 'HTTPS_FRONTEND_ACL'], routing: [] };
  }
  const routing: readonly PortTemplate[] = hasPath
    ? ['HTTPS_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH']
    : ['HTTPS_FRONTEND_AUTH_REQUEST_ONLY'];
  if (hasAuth) return { acl: ['HTTPS_FRONTEND_AUTH_ACL_ONLY'], routing };
  return {
    acl: hasPath ? ['HTTPS_FRONTEND_ACL_ONLY_WITH_PATH'] : ['HTTPS_FRONTEND_ACL'],
    routing: [],
  };
}
