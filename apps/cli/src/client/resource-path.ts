/** `/v2/apps` and `/shop/web` make `/v2/apps/shop/web`: the slashes of an id stay, all else is escaped. */
export const resourcePath = (collection: string, id: string): string =>
  `${collection}/${id
    .split('/')
    .filter((part) => part !== '')
    .map(encodeURIComponent)
    .join('/')}`;
