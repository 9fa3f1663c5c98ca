/**
 * The templates of marathon-lb that a label HAPROXY_{n}_NAME may override, by where their text goes here. Names of the
 * frontends' access rules come in variants; which one a route uses follows from its paths, its users and its hosts.
 */
export const SECTION_TEMPLATES = [
  'FRONTEND_HEAD',
  'FRONTEND_BACKEND_GLUE',
  'USERLIST_HEAD',
  'BACKEND_HEAD',
  'BACKEND_HTTP_OPTIONS',
  'BACKEND_HSTS_OPTIONS',
  'BACKEND_STICKY_OPTIONS',
  'BACKEND_REDIRECT_HTTP_TO_HTTPS',
  'BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH',
  'BACKEND_HTTP_HEALTHCHECK_OPTIONS',
  'BACKEND_TCP_HEALTHCHECK_OPTIONS',
  'BACKEND_SERVER_OPTIONS',
  'BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS',
  'BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS',
  'HTTP_BACKEND_PROXYPASS_GLUE',
  'HTTP_BACKEND_REVPROXY_GLUE',
  'HTTP_BACKEND_REDIR',
  'HTTP_BACKEND_NETWORK_ALLOWED_ACL',
  'TCP_BACKEND_NETWORK_ALLOWED_ACL',
] as const;

/** Rules of the frontend that chooses by host, on the plain port. */
export const HTTP_RULE_TEMPLATES = [
  'HTTP_FRONTEND_ACL',
  'HTTP_FRONTEND_ACL_ONLY',
  'HTTP_FRONTEND_ACL_WITH_AUTH',
  'HTTP_FRONTEND_ACL_WITH_PATH',
  'HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH',
  'HTTP_FRONTEND_ACL_ONLY_WITH_PATH',
  'HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH',
  'HTTP_FRONTEND_ROUTING_ONLY',
  'HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH',
  'HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH',
  'HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH',
] as const;

/** Rules of the frontend that chooses by host, on the TLS port. */
export const HTTPS_RULE_TEMPLATES = [
  'HTTPS_FRONTEND_ACL',
  'HTTPS_FRONTEND_ACL_WITH_AUTH',
  'HTTPS_FRONTEND_ACL_WITH_PATH',
  'HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH',
  'HTTPS_FRONTEND_ACL_ONLY_WITH_PATH',
  'HTTPS_FRONTEND_AUTH_ACL_ONLY',
  'HTTPS_FRONTEND_AUTH_REQUEST_ONLY',
  'HTTPS_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH',
] as const;

/** Rules of the frontend that chooses by the header X-Marathon-App-Id. */
export const APP_RULE_TEMPLATES = ['HTTP_FRONTEND_APPID_ACL'] as const;

/** Maps are how this edge routes anyway; marathon-lb reads these labels under another name, so that they never had an effect. */
export const MAP_TEMPLATES = [
  'MAP_HTTP_FRONTEND_ACL',
  'MAP_HTTP_FRONTEND_ACL_ONLY',
  'MAP_HTTP_FRONTEND_APPID_ACL',
  'MAP_HTTPS_FRONTEND_ACL',
] as const;

export const PORT_TEMPLATES = [
  ...SECTION_TEMPLATES,
  ...HTTP_RULE_TEMPLATES,
  ...HTTPS_RULE_TEMPLATES,
  ...APP_RULE_TEMPLATES,
] as const;

/** A template an app may override for one of its ports. */
export type PortTemplate = (typeof PORT_TEMPLATES)[number];
