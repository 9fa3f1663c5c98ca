import { type BaseClaims, canConnectSockets, claimsOfBase } from '#routing';
import type { RouterConfig } from './router-config.js';
import type { EdgeRules } from './sync/wanted-edge.js';

const NO_CLAIMS: BaseClaims = { names: new Set(), ports: new Set() };

/** What the edge was set up to serve, beside what the operator's own haproxy.cfg has: the same object while that is the same. */
export function edgeRules(
  config: Pick<RouterConfig, 'groups' | 'isStrict' | 'reservedPorts' | 'takesTemplates'>,
  baseConfig: () => string | undefined,
): () => EdgeRules {
  let known: { readonly base: string | undefined; readonly rules: EdgeRules } | undefined;
  return () => {
    const base = baseConfig();
    if (known !== undefined && known.base === base) return known.rules;
    const { names, ports } = base === undefined ? NO_CLAIMS : claimsOfBase(base);
    const rules: EdgeRules = {
      groups: config.groups,
      isStrict: config.isStrict,
      refusesTemplates: !config.takesTemplates,
      refusesPassthrough: !canConnectSockets({ baseConfig: base }),
      reservedPorts: new Set([...config.reservedPorts, ...ports]),
      reservedNames: names,
    };
    known = { base, rules };
    return rules;
  };
}
