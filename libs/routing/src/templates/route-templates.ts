import { quote, type SectionLine } from 'haproxy-config-parser';
import { cleanName } from '../clean-name.js';
import type { Route } from '../route-table.js';
import { fillTemplate, type TemplateValues, words } from './fill-template.js';
import { inLogFormat } from './log-format.js';
import type { PortTemplate } from './template-names.js';

/** Values beyond those of the route: of one host, or of one server. */
export type ExtraValues = TemplateValues;

/** Lines an app puts in place of the built-in ones; undefined: it has no template of this name, or one that cannot be filled. */
export function templateLines(
  route: Route,
  name: PortTemplate,
  extra: ExtraValues = {},
): readonly SectionLine[] | undefined {
  const text = route.templates.get(name);
  if (text === undefined) return undefined;
  const filled = fillTemplate(text, { ...valuesOf(route), ...extra });
  if (!filled.ok) return undefined;
  return filled.lines.filter((line) => !isHeaderOf(line, route, name)).map(toSectionLine);
}

const toSectionLine = (line: string): SectionLine => {
  const text = line.trim();
  return text.startsWith('#') ? { comment: text.slice(1).trim() } : { verbatim: text };
};

/** marathon-lb's heads begin with the line that opens their section; here it stands already. */
export function isHeaderOf(
  line: string,
  { backend }: Pick<Route, 'backend'>,
  name: PortTemplate,
): boolean {
  const opened = HEADERS[name];
  const [keyword, section, ...rest] = line.trim().split(/\s+/);
  if (opened === undefined || keyword !== opened || rest.length > 0) return false;
  return section === backend || section === `user_${backend}`;
}

const HEADERS: Partial<Record<PortTemplate, string>> = {
  FRONTEND_HEAD: 'frontend',
  BACKEND_HEAD: 'backend',
  USERLIST_HEAD: 'userlist',
};

/** A name for an ACL, as marathon-lb makes it. */
export const toAclName = (text: string): string => text.replace(/[^A-Za-z0-9-]/g, '_');

/** The placeholders that every template of a route knows. */
export function valuesOf(route: Omit<Route, 'endpoints'>): TemplateValues {
  const { listener, http, check } = route;
  const certificates = listener?.certificates ?? [];
  return {
    backend: route.backend,
    mode: route.mode,
    balance: route.balance.words.map(quote).join(' '),
    bindAddr: listener?.address ?? '*',
    servicePort: listener?.port ?? route.servicePort,
    sslCert: words(
      certificates.length === 0 ? [] : ['ssl', ...certificates.flatMap((file) => ['crt', file])],
    ),
    bindOptions: words(listener?.options ?? []),
    appId: route.appId,
    cleanedUpAppId: cleanName(route.appId),
    path: words(route.paths.map(({ path }) => path)),
    realm: http.auth?.realm ?? '',
    user: http.auth?.user ?? '',
    passwd: http.auth?.passwordHash ?? '',
    network_allowed: words(route.allowedNetworks),
    proxypath: http.proxyPassPath ?? '',
    // These are put into headers, in which HAProxy fills in variables.
    rootpath: inLogFormat(http.reverseProxyPath ?? '/'),
    redirpath: inLogFormat(http.rootRedirect ?? ''),
    hostname: route.vhosts[0] ?? '',
    cleanedUpHostname: toAclName(route.vhosts[0] ?? ''),
    healthCheck: check === undefined ? '' : 'true',
    healthCheckPortIndex: check?.portIndex ?? '',
    healthCheckPort: check?.port ?? '',
    healthCheckProtocol: check?.protocol ?? '',
    healthCheckPath: check?.path ?? '/',
    healthCheckTimeoutSeconds: check?.timeoutSeconds ?? '',
    healthCheckIntervalSeconds: check?.intervalSeconds ?? '',
    healthCheckGracePeriodSeconds: check?.gracePeriodSeconds ?? '',
    healthCheckMaxConsecutiveFailures: check?.maxConsecutiveFailures ?? '',
    healthCheckFalls: (check?.maxConsecutiveFailures ?? 0) + 1,
    healthCheckPortOptions: words(check?.port === undefined ? [] : ['port', String(check.port)]),
  };
}
