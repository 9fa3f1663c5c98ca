import type { AppId } from '#core';

/** Segments joined by underscores: `/shop/web` is `shop_web`. Names of instances and volumes begin with it. */
export const safePath = (id: AppId): string => id.slice(1).replaceAll('/', '_');
