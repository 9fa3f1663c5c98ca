/** What a path below /v2/pods is about. Ids contain slashes; `::` ends them. */
export type PodPath =
  | { readonly kind: 'pod'; readonly id: string }
  | { readonly kind: 'all-status' }
  | { readonly kind: 'status'; readonly id: string }
  | { readonly kind: 'versions'; readonly id: string }
  | { readonly kind: 'version'; readonly id: string; readonly version: string }
  | { readonly kind: 'instances'; readonly id: string }
  | { readonly kind: 'instance'; readonly id: string; readonly instanceId: string }
  | { readonly kind: 'unknown' };

/** Takes the part after /v2/pods apart: `shop/web::status`, or `::status` alone for all pods. */
export function parsePodPath(rest: string): PodPath {
  const at = rest.indexOf('::');
  const id = `/${(at < 0 ? rest : rest.slice(0, at)).replace(/^\/+|\/+$/g, '')}`;
  if (at < 0) return { kind: 'pod', id };
  const [what = '', ...words] = rest.slice(at + 2).split('/');
  const word = words.join('/').replace(/\/+$/, '');
  if (id === '/') {
    return what === 'status' && word === '' ? { kind: 'all-status' } : { kind: 'unknown' };
  }
  switch (what) {
    case 'status':
      return word === '' ? { kind: 'status', id } : { kind: 'unknown' };
    case 'versions':
      return word === '' ? { kind: 'versions', id } : { kind: 'version', id, version: word };
    case 'instances':
      return word === '' ? { kind: 'instances', id } : { kind: 'instance', id, instanceId: word };
    default:
      return { kind: 'unknown' };
  }
}
